"""What becomes of the fields of an API: honoured, accepted where they change nothing, refused, or ignored."""

import json
from typing import Annotated, Any, ClassVar, Literal

import pytest
from llm_api.dialects.decisions import ANY_VALUE, Documented, ignored_fields
from llm_api.errors import InvalidRequestError
from llm_api.server.body import explain
from llm_api.server.middleware import MAX_IGNORED, header_value
from pydantic import Field, ValidationError


class Text(Documented):
    type: Literal["text"]
    text: str


class Image(Documented):
    type: Literal["image"]
    url: Annotated[str, Field(alias="from")]
    REFUSED: ClassVar = {"detail": "send a smaller image"}


class Example(Documented):
    seed: int | None = None
    parts: str | list[Annotated[Text | Image, Field(discriminator="type")]] | None = None
    choice: Literal["auto"] | Text | None = None
    NEUTRAL: ClassVar = {"bias": ({},), "tier": ("auto", "default"), "mark": ANY_VALUE, "old": ([],)}
    REFUSED: ClassVar = {"audio": "send text", "old": "use parts"}


def ignored(**fields: Any) -> list[str]:
    """Return the fields of a valid body that are ignored."""
    undocumented: list[str] = []
    valid = Example.model_validate_json(json.dumps(fields), context=undocumented)
    names = list(dict.fromkeys(ignored_fields(valid)))
    assert bool(undocumented) == bool(names)
    return names


def refused(**fields: Any) -> InvalidRequestError:
    """Return the error for an invalid body."""
    content = json.dumps(fields).encode()
    with pytest.raises(ValidationError) as caught:
        Example.model_validate_json(content)
    return explain(caught.value, content, InvalidRequestError)


@pytest.mark.parametrize(
    "fields",
    [
        {"seed": 3, "parts": "x"},
        {"bias": {}, "tier": "default", "mark": {"a": [1]}, "old": []},
        dict.fromkeys(["seed", "parts", "choice", "bias", "tier", "mark", "old", "audio"]),
    ],
)
def test_documented_fields_are_accepted_with_values_that_work_or_change_nothing(
    fields: dict[str, Any],
) -> None:
    assert ignored(**fields) == []


@pytest.mark.parametrize(
    ("fields", "param", "problem"),
    [
        ({"audio": {}}, "audio", "not supported; send text"),
        ({"audio": False}, "audio", "not supported; send text"),
        ({"tier": "flex"}, "tier", 'only "auto" or "default" is supported'),
        ({"bias": {"5": 1}}, "bias", "only {} is supported"),
        ({"old": [1]}, "old", "only [] is supported; use parts"),
        (
            {"parts": [{"type": "text", "text": "x"}, {"type": "image", "from": "x", "detail": "high"}]},
            "parts.1.detail",
            "not supported; send a smaller image",
        ),
    ],
)
def test_a_refused_field_is_named_with_what_to_do_instead(
    fields: dict[str, Any], param: str, problem: str
) -> None:
    error = refused(**fields)
    assert (error.code, error.param) == ("unsupported_parameter", param)
    assert error.message == f"{param}: {problem}"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"seed": "x"}, "seed"),
        ({"parts": 5}, "parts"),
        ({"parts": [5]}, "parts.0"),
        ({"parts": [{"type": "video"}]}, "parts.0.type"),
        ({"parts": [{}]}, "parts.0.type"),
        ({"parts": [{"type": "text"}]}, "parts.0.text"),
        ({"parts": [{"type": "text", "text": 5}]}, "parts.0.text"),
        ({"parts": [{"type": "image", "from": 5}]}, "parts.0.from"),
        ({"choice": "x"}, "choice"),
        ({"choice": {"type": "text", "text": 5}}, "choice.text"),
    ],
)
def test_an_invalid_value_is_named_by_its_path_in_the_body(fields: dict[str, Any], param: str) -> None:
    error = refused(**fields)
    assert (error.code, error.param) == ("invalid_value", param)
    assert error.message.startswith(f"{param}: ")


def test_undocumented_fields_are_ignored_at_any_depth_and_reported_once() -> None:
    part = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    image = {"type": "image", "from": "x", "alt": "y", "title": None}
    names = ignored(parts=[part, part, image], choice=part, top=1, bias={}, audio=None)
    assert names == ["top", "parts.cache_control", "parts.alt", "choice.cache_control"]


def test_names_are_safe_in_a_header_and_only_the_first_of_many_are_shown() -> None:
    assert header_value(["a.b", "ü,\r\nx: y"]) == b"a.b, ????x:?y"
    many = header_value([f"{number}" * 200 for number in range(MAX_IGNORED + 1)])
    assert many.endswith(b"31" * 64 + b", ...")
    assert len(many) < 5000
