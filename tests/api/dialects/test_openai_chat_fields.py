"""The fields of a chat completion: what reaches the runtime, what changes nothing, and what is refused."""

import json
from typing import Any

import pytest

from tests.api.support.errors import error_summary
from tests.api.support.in_process import InProcess, Open
from tests.api.support.requests import CHAT_LINES, DONE, chat


async def sent_to_the_runtime(app: InProcess, **fields: Any) -> dict[str, Any]:
    """Send a request; return the body that the runtime gets."""
    route = app.runtime.post("/api/chat").respond(json=CHAT_LINES[0] | DONE)
    response = await chat(app, **fields)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    return body


@pytest.mark.parametrize(
    ("given", "options"),
    [
        ({"stop": "."}, {"stop": ["."]}),
        ({"stop": [".", "\n"]}, {"stop": [".", "\n"]}),
        ({"seed": -5}, {"seed": -5}),
        ({"max_tokens": 3}, {"num_predict": 3}),
        ({"max_completion_tokens": 4}, {"num_predict": 4}),
        ({"max_tokens": 3, "max_completion_tokens": 4}, {"num_predict": 4}),
        ({"temperature": 0}, {"temperature": 0}),
        ({"top_p": 0.5}, {"top_p": 0.5}),
        ({"presence_penalty": 1, "frequency_penalty": -1}, {"presence_penalty": 1, "frequency_penalty": -1}),
        ({"n": 1, "user": "someone", "store": False, "metadata": {"a": "b"}, "logprobs": False}, {}),
        ({"stop": ""}, {}),
        ({"stop": []}, {}),
        ({"stop": [".", ""]}, {"stop": ["."]}),
        ({"seed": 2**40 + 5}, {"seed": 5}),
        ({"max_tokens": -1}, {}),
        ({"max_tokens": None, "max_completion_tokens": None}, {}),
        ({"top_k": 7, "min_p": 0.1}, {"top_k": 7, "min_p": 0.1}),
        ({"repeat_penalty": 1.1}, {"repeat_penalty": 1.1}),
        ({"num_ctx": 2048}, {"num_ctx": 2048}),
        ({"response_format": {"type": "text"}, "seed": None, "stop": None, "stream": None}, {}),
    ],
)
async def test_a_field_reaches_the_runtime_under_ollamas_name(
    open_gateway: Open, given: dict[str, Any], options: dict[str, Any]
) -> None:
    app = await open_gateway(max_output_tokens=100)
    sent = await sent_to_the_runtime(app, **given)
    assert sent["options"] == {"num_predict": 100} | options
    assert sent["stream"] is False


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"keep_alive": "10m"}, {"keep_alive": "10m"}),
        ({"keep_alive": 0}, {"keep_alive": 0}),
        ({"reasoning_effort": "none"}, {"think": False}),
        ({"reasoning_effort": "minimal"}, {"think": "low"}),
        ({"reasoning_effort": "xhigh"}, {"think": "max"}),
        ({"logprobs": True}, {"logprobs": True, "top_logprobs": 0}),
        ({"logprobs": True, "top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"logprobs": False, "top_logprobs": None}, {}),
        ({"response_format": {"type": "json_object"}}, {"format": "json"}),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "x", "schema": {"type": "object"}},
                }
            },
            {"format": {"type": "object"}},
        ),
        ({"tools": [], "tool_choice": "auto", "functions": None, "function_call": "none"}, {}),
        ({"logit_bias": {}, "service_tier": "auto", "modalities": ["text"], "verbosity": "low"}, {}),
        ({"prediction": {"type": "content", "content": "x"}, "safety_identifier": "x"}, {}),
    ],
)
async def test_a_field_becomes_a_field_of_ollamas_or_changes_nothing(
    open_gateway: Open, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    app = await open_gateway()
    plain = await sent_to_the_runtime(app)
    assert await sent_to_the_runtime(app, **given) == plain | sent


@pytest.mark.parametrize(
    ("fields", "param", "instead"),
    [
        ({"functions": [{"name": "f"}]}, "functions", "use `tools`"),
        ({"function_call": {"name": "f"}}, "function_call", "use `tool_choice`"),
        ({"logit_bias": {"5": 1}}, "logit_bias", "single tokens"),
        ({"store": True}, "store", "keeps no answers"),
        ({"audio": {"voice": "x"}}, "audio", "text"),
        ({"web_search_options": {}}, "web_search_options", "tool"),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools.0.type", "function"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages.0.role", "role `tool`"),
        (
            {"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]},
            "messages.0.content.0.type",
            "send text and images",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}],
                    }
                ]
            },
            "messages.0.content.0.image_url.url",
            "fetches nothing",
        ),
    ],
)
async def test_what_is_not_supported_is_refused_by_name_with_what_to_do_instead(
    open_gateway: Open, fields: dict[str, Any], param: str, instead: str
) -> None:
    response = await chat(await open_gateway(), **fields)
    assert error_summary(response) == (400, "unsupported_parameter", param)
    assert instead in response.json()["error"]["message"]


async def test_undocumented_fields_are_ignored_and_named_in_a_header(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(json=CHAT_LINES[0] | DONE)
    part = {"type": "text", "text": "Hello", "cache_control": {"type": "ephemeral"}}
    response = await chat(app, messages=[{"role": "user", "content": [part, part]}], thinking_budget=5)
    assert response.status_code == 200
    assert response.headers["x-ignored-fields"] == "thinking_budget, messages.content.cache_control"
    assert "x-ignored-fields" not in (await chat(app)).headers


async def test_a_developer_message_becomes_a_system_message_and_parts_one_text(
    open_gateway: Open,
) -> None:
    parts = [{"type": "text", "text": "Say "}, {"type": "text", "text": "hello."}]
    sent = await sent_to_the_runtime(
        await open_gateway(),
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": parts, "name": "someone"},
            {"role": "assistant", "content": "Hello."},
        ],
    )
    assert sent["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Say hello."},
        {"role": "assistant", "content": "Hello."},
    ]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 3}, "temperature"),
        ({"temperature": "1"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 4097}, "max_tokens"),
        ({"max_completion_tokens": 4097}, "max_completion_tokens"),
        ({"stop": ["."] * 9}, "stop"),
        ({"stop": 5}, "stop"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, "messages.0.content.0.type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "text": "x"}]}]},
            "messages.0.content.0.image_url",
        ),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.tool_call_id"),
        ({"messages": [{"role": "critic", "content": "x"}]}, "messages.0.role"),
        ({"n": 0}, "n"),
        ({"n": 9}, "n"),
        ({"seed": 2**63}, "seed"),
        ({"max_tokens": -2}, "max_tokens"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"num_ctx": 0}, "num_ctx"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
        ({"tools": [{"type": "search"}]}, "tools.0.type"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ],
)
async def test_an_invalid_value_is_a_400_that_names_the_parameter(
    open_gateway: Open, fields: dict[str, Any], param: str
) -> None:
    response = await chat(await open_gateway(), **fields)
    assert error_summary(response) == (400, "invalid_value", param)
    assert response.json()["error"]["message"].startswith(f"{param}: ")
