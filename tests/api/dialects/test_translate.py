"""What the dialects share: schemas without references, images, and constrained answers."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_api.dialects.translate.images import from_data_url
from llm_api.dialects.translate.output import Output, Text, Value
from llm_api.dialects.translate.schema import detached, inlined
from llm_api.dialects.translate.tools import Plan, Tool, plan
from llm_api.upstream.chunk import Chunk, ToolCall
from pydantic_core import PydanticCustomError

NODE = {"$defs": {"Node": {"properties": {"next": {"$ref": "#/$defs/Node"}}}}, "$ref": "#/$defs/Node"}
TOOLS = [Tool("f", "", {}), Tool("g", "", {})]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
INDENTS = st.sampled_from([None, 0, 2])


@given(value=JSON, after=st.sampled_from(["}", " }", "\n}\n", "} x"]), cuts=st.sets(st.integers(0, 40)))
def test_a_value_ends_where_its_json_ends_however_it_arrives(value: Any, after: str, cuts: set[int]) -> None:
    text = json.dumps(value) + after
    reader = Value()
    assert json.loads("".join(reader.read(piece) for piece in split(text, cuts))) == value


@given(
    name=st.sampled_from("fg"),
    value=st.dictionaries(st.text(), JSON),
    indent=INDENTS,
    cuts=st.sets(st.integers(0, 60)),
)
def test_a_constrained_call_is_read_however_it_arrives(
    name: str, value: dict[str, Any], indent: int | None, cuts: set[int]
) -> None:
    text = json.dumps({"name": name, "arguments": value}, indent=indent)
    output = Output(plan(TOOLS, "required")).complete(*map(Chunk, split(text, cuts)))
    (call,) = output.calls
    assert (call.name, json.loads(call.arguments), output.text) == (name, value, "")


@given(value=JSON, indent=INDENTS, cuts=st.sets(st.integers(0, 60)))
def test_a_constrained_answer_is_read_however_it_arrives(
    value: Any, indent: int | None, cuts: set[int]
) -> None:
    text = json.dumps({"answer": value}, indent=indent)
    output = Output(plan(TOOLS, "auto", "json")).complete(*map(Chunk, split(text, cuts)))
    assert (json.loads(output.text), output.calls) == (value, [])


def split(text: str, cuts: set[int]) -> list[str]:
    places = [0, *sorted(cut for cut in cuts if cut < len(text)), len(text)]
    return [text[start:end] for start, end in pairwise(places)]


def test_text_without_a_plan_is_passed_on_as_it_comes() -> None:
    assert list(Output(Plan()).read(Chunk('{"name"'))) == [Text('{"name"')]


def test_references_are_replaced_by_what_they_mean() -> None:
    schema = {
        "properties": {"a": {"$ref": "#/$defs/A", "description": "x"}, "b": {"items": {"$ref": "#/$defs/A"}}},
        "$defs": {
            "A": {"type": "object", "properties": {"c": {"$ref": "#/$defs/C"}}},
            "C": {"type": "string"},
        },
    }
    meaning = {"type": "object", "properties": {"c": {"type": "string"}}}
    assert inlined(schema) == {
        "properties": {"a": meaning | {"description": "x"}, "b": {"items": meaning}},
    }


@pytest.mark.parametrize("schema", [NODE, {"properties": {"a": {"$ref": "#/other"}}}, {}])
def test_a_schema_stays_as_it_is_if_its_references_cannot_be_replaced(schema: dict[str, Any]) -> None:
    assert inlined(schema) == schema


def test_definitions_that_would_multiply_stay_where_they_are() -> None:
    """Each level has eight references to the next one: 1.5 kB would become 1 MB, and 2 kB half a gigabyte."""

    def level(number: int) -> dict[str, Any]:
        next_one = {"$ref": f"#/$defs/level{number + 1}"}
        return {"type": "object", "properties": {f"p{index}": next_one for index in range(8)}}

    levels = {f"level{number}": level(number) for number in range(5)} | {"level5": {"type": "string"}}
    schema = {"$ref": "#/$defs/level0", "$defs": levels}
    assert inlined(schema) == schema


def test_the_definitions_of_two_recursive_schemas_are_kept_apart() -> None:
    first, definitions = detached(NODE, "0.")
    assert first == {"$ref": "#/$defs/0.Node"}
    assert definitions == {"0.Node": {"properties": {"next": {"$ref": "#/$defs/0.Node"}}}}
    tools = [Tool("f", "", NODE), Tool("g", "", NODE)]
    assert set(plan(tools, "required").format["$defs"]) == {"0.Node", "1.Node"}


@pytest.mark.parametrize(
    "url", ["data:image/png;base64,eHh4", "DATA:IMAGE/JPEG;BASE64,eHh4", "data:;base64,eH\r\nh4"]
)
def test_an_image_is_the_base64_of_a_data_url(url: str) -> None:
    assert from_data_url(url) == "eHh4"


@pytest.mark.parametrize(
    "url",
    [
        "http://x/y.png",
        "HTTPS://x/y.png",
        "file:///x",
        "eHh4",
        "data:image/svg+xml;base64,eHh4",
        "data:image/png,eHh4",
        "data:image/png;base64,",
        "data:image/png;base64,?",
        "data:image/png;base64,eHh",
        "data:image/png;base64,eHé4",
    ],
)
def test_any_other_url_is_refused(url: str) -> None:
    with pytest.raises(PydanticCustomError):
        from_data_url(url)


def test_calls_of_an_answer_have_different_ids_whatever_the_runtime_sends() -> None:
    twice = [ToolCall("call_1", "f", {}), ToolCall("call_1", "g", {})]
    first, second = Output(Plan()).complete(Chunk(tool_calls=twice)).calls
    assert first.id == "call_1"
    assert second.id not in ("", first.id)
