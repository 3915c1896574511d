"""Every field and block in the official client's types, which document Anthropic's API, has a decision."""

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest
from anthropic import types
from anthropic.types import tool_result_block_param
from llm_api.dialects import anthropic_blocks as blocks
from llm_api.dialects import anthropic_fields as fields
from llm_api.dialects import anthropic_sources as sources
from llm_api.dialects.anthropic import CountRequest, MessagesRequest
from llm_api.dialects.decisions import Documented
from typing_extensions import get_type_hints

from tests.api.support.anthropic import WEATHER, error_of, send
from tests.api.support.decided import undecided
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.requests import DONE, HELLO

SUPPORTED: list[tuple[type[Documented], Any]] = [
    (MessagesRequest, types.message_create_params.MessageCreateParamsNonStreaming),
    (CountRequest, types.MessageCountTokensParams),
    (blocks.Message, types.UserMessageParam),
    (blocks.Message, types.AssistantMessageParam),
    (blocks.Message, types.SystemMessageParam),
    (blocks.TextBlock, types.TextBlockParam),
    (blocks.ImageBlock, types.ImageBlockParam),
    (sources.Base64Source, types.Base64ImageSourceParam),
    (blocks.ToolUseBlock, types.ToolUseBlockParam),
    (blocks.ToolResultBlock, types.ToolResultBlockParam),
    (blocks.ThinkingBlock, types.ThinkingBlockParam),
    (blocks.RedactedThinkingBlock, types.RedactedThinkingBlockParam),
    (fields.Tool, types.ToolParam),
    (fields.ToolChoice, types.ToolChoiceAutoParam),
    (fields.ToolChoice, types.ToolChoiceAnyParam),
    (fields.NamedToolChoice, types.ToolChoiceToolParam),
    (fields.ToolChoice, types.ToolChoiceNoneParam),
    (fields.Thinking, types.ThinkingConfigEnabledParam),
    (fields.Thinking, types.ThinkingConfigAdaptiveParam),
    (fields.Thinking, types.ThinkingConfigDisabledParam),
    (fields.OutputConfig, types.OutputConfigParam),
    (fields.JsonFormat, types.JSONOutputFormatParam),
]


@pytest.mark.parametrize(("kind", "documented"), SUPPORTED, ids=lambda one: one.__name__)
def test_every_documented_field_has_a_decision(kind: type[Documented], documented: Any) -> None:
    assert undecided(kind, get_type_hints(documented)) == set()


def tags(union: Any) -> set[str]:
    """Return the types of the objects in a union."""
    return {tag for member in members(union) for tag in get_args(hints(member)["type"])}


def members(union: Any) -> Iterator[Any]:
    found = get_args(union)[0] if get_origin(union) is Annotated else union
    yield from get_args(found) or (found,)


def hints(member: Any) -> dict[str, Any]:
    found: dict[str, Any] = get_type_hints(member)
    return found


@pytest.mark.parametrize(
    ("documented", "decided"),
    [
        (types.ContentBlockParam, blocks.AnyBlock),
        (tool_result_block_param.Content, blocks.ResultBlock),
        (types.image_block_param.Source, sources.AnySource),
    ],
)
def test_every_documented_type_of_block_has_a_decision(documented: Any, decided: Any) -> None:
    assert tags(documented) - tags(decided) == set()


def test_every_documented_value_of_a_choice_has_a_decision() -> None:
    assert tags(types.ToolChoiceParam) == tags(fields.AnyToolChoice)
    assert tags(types.ThinkingConfigParam) == set(get_args(fields.Thinking.model_fields["type"].annotation))


def asking(**block: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [block]}]}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"container": "x"}, "container: not supported; tools run at the client"),
        ({"service_tier": "fast"}, "service_tier: only "),
        ({"speed": "fast"}, "speed: only "),
        ({"inference_geo": "eu"}, "inference_geo: not supported;"),
        (
            {"tools": [{"type": "web_search_20260209", "name": "x"}]},
            "tools.0.type: 'web_search_20260209' is",
        ),
        ({"tools": [WEATHER | {"defer_loading": True}]}, "tools.0.defer_loading: only "),
        ({"tools": [{"name": "x"}]}, "tools.0.input_schema: Field required"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name: Field required"),
        ({"tool_choice": {"type": "tool", "name": "x"}}, "tool_choice: there is no tool 'x'"),
        ({"tool_choice": {"type": "any"}}, "tool_choice: there are no tools to call"),
        ({"max_tokens": None}, "max_tokens: Field required"),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, "thinking.budget_tokens: Input should be"),
        (
            asking(type="document", source={}),
            "messages.0.content.0.type: 'document' is not",
        ),
        (
            asking(type="server_tool_use", id="x"),
            "messages.0.content.0.type: 'server_tool_use'",
        ),
        (
            asking(type="image", source={"type": "url", "url": "https://x.test"}),
            "messages.0.content.0.source.type: 'url' is not supported; the gateway fetches nothing",
        ),
        (
            asking(type="image", source={"type": "base64", "media_type": "image/png", "data": "?"}),
            "messages.0.content.0.source.data: must be base64",
        ),
        (asking(type="other"), "messages.0.content.0.type: must be one of 'text', 'image',"),
    ],
)
async def test_what_is_refused_is_named(open_gateway: Open, given: dict[str, Any], problem: str) -> None:
    status, kind, message = error_of(await send(await open_gateway(), **given))
    assert (status, kind) == (400, "invalid_request_error")
    assert message.startswith(problem)


async def answered(app: InProcess, **given: Any) -> list[str]:
    """Return the ignored fields of a request that is answered."""
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion", "tools"]})
    app.runtime.post("/api/chat").respond(json={"message": {"content": "Hello."}, **DONE})
    response = await send(app, **given)
    assert response.status_code == 200, response.text
    ignored: str = response.headers.get("x-ignored-fields", "")
    return ignored.split(", ")


async def test_marks_without_effect_are_accepted(open_gateway: Open) -> None:
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    given = {
        "metadata": {"user_id": "x"},
        "service_tier": "auto",
        "speed": "standard",
        "diagnostics": {"previous_message_id": None},
        "tools": [WEATHER | mark | {"allowed_callers": ["direct"], "eager_input_streaming": True}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "citations": None} | mark]}],
    }
    assert await answered(await open_gateway(), **mark, **given) == [""]


async def test_null_means_not_given(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(json={"message": {"content": "Hello."}, **DONE})
    required = {"model": MODEL, "max_tokens": 9, "messages": HELLO}
    documented = get_type_hints(types.message_create_params.MessageCreateParamsNonStreaming)
    response = await app.http.post("/v1/messages", json=dict.fromkeys(documented) | required)
    assert response.status_code == 200, response.text


async def test_undocumented_fields_are_ignored_and_named(open_gateway: Open) -> None:
    tool = WEATHER | {"color": "red"}
    assert await answered(await open_gateway(), mcp_servers=[], tools=[tool]) == [
        "mcp_servers",
        "tools.color",
    ]
