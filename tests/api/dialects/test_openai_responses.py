"""Requests for responses reach the runtime as Ollama's chats, and its answers come back whole."""

import json
from typing import Any

import pytest

from tests.api.support.in_process import MODEL, Open
from tests.api.support.requests import CHAT_LINES, DONE
from tests.api.support.responses import WEATHER, received, respond

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


async def test_instructions_come_first(open_gateway: Open) -> None:
    sent = await received(await open_gateway(), instructions="Be brief.")
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, {"think": None, "truncate": False, "format": None, "tools": None, "logprobs": None}),
        ({"truncation": "auto"}, {"truncate": True}),
        ({"reasoning": {"effort": "none"}}, {"think": False}),
        ({"reasoning": {"effort": "xhigh", "context": "auto"}}, {"think": "max"}),
        ({"text": {"format": {"type": "text"}}}, {"format": None}),
        ({"text": {"format": {"type": "json_object"}}}, {"format": "json"}),
        (
            {"text": {"format": {"type": "json_schema", "name": "a", "schema": SCHEMA, "strict": True}}},
            {"format": SCHEMA},
        ),
        ({"tools": [WEATHER], "tool_choice": "none"}, {"tools": None}),
        (
            {"include": ["message.output_text.logprobs"], "top_logprobs": 2},
            {"logprobs": True, "top_logprobs": 2},
        ),
        ({"top_logprobs": 2}, {"logprobs": None}),
        ({"keep_alive": 5}, {"keep_alive": 5}),
        ({"store": True, "user": "u", "service_tier": "auto", "max_tool_calls": 3, "conversation": None}, {}),
    ],
)
async def test_a_field_is_translated(
    open_gateway: Open, fields: dict[str, Any], sent: dict[str, Any]
) -> None:
    found = await received(await open_gateway(), **fields)
    assert {name: found.get(name) for name in sent} == sent


async def test_sampling_has_the_defaults_that_the_response_reports(open_gateway: Open) -> None:
    app = await open_gateway(max_output_tokens=100)
    assert (await received(app))["options"] == {"temperature": 1.0, "top_p": 1.0, "num_predict": 100}
    given = {"temperature": 0.5, "top_p": 0.9, "max_output_tokens": 7, "seed": 3, "top_k": 5}
    sent = {"temperature": 0.5, "top_p": 0.9, "num_predict": 7, "seed": 3, "top_k": 5}
    assert (await received(app, **given))["options"] == sent


async def test_tools_are_offered_and_a_choice_constrains_the_answer(open_gateway: Open) -> None:
    app = await open_gateway()
    clock = {"type": "function", "name": "clock", "description": "Tells the time.", "output_schema": SCHEMA}
    offered = (await received(app, tools=[WEATHER, clock]))["tools"]
    assert [tool["function"]["name"] for tool in offered] == ["weather", "clock"]
    assert offered[1]["function"]["description"] == f"Tells the time.\nOutput: {json.dumps(SCHEMA)}"
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "clock"}]}
    (only,) = (await received(app, tools=[WEATHER, clock], tool_choice=allowed))["tools"]
    assert only["function"]["name"] == "clock"
    app.runtime.post("/api/chat").respond(json={"message": {"content": '{"city": "Paris"}'}, **DONE})
    for choice in ("required", {"type": "function", "name": "weather"}):
        (call,) = (await respond(app, tools=[WEATHER], tool_choice=choice)).json()["output"]
        assert (call["type"], call["name"], call["arguments"]) == (
            "function_call",
            "weather",
            '{"city": "Paris"}',
        )


async def test_a_response_repeats_its_request_and_counts_tokens(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(json=CHAT_LINES[0] | {**DONE})
    fields = {"metadata": {"a": "b"}, "instructions": "Be brief.", "tools": [WEATHER], "store": True}
    body = (await respond(app, **fields)).json()
    assert body["id"].startswith("resp_")
    told = {name: body[name] for name in ("object", "status", "model", "store", "metadata", "instructions")}
    assert told == {
        "object": "response",
        "status": "completed",
        "model": MODEL,
        "store": False,
        "metadata": {"a": "b"},
        "instructions": "Be brief.",
    }
    assert body["tools"] == [WEATHER | {"description": None, "strict": None}]
    assert (body["usage"]["input_tokens"], body["usage"]["output_tokens"]) == (7, 2)
    (message,) = body["output"]
    assert (message["status"], message["content"][0]["text"]) == ("completed", "Hel")


async def test_log_probabilities_come_with_the_text(open_gateway: Open) -> None:
    app = await open_gateway()
    entry = {"token": "Hi", "logprob": -1.0, "bytes": [72, 105]}
    line = {"message": {"content": "Hi"}, "logprobs": [entry], **DONE}
    app.runtime.post("/api/chat").respond(json=line)
    body = (await respond(app, include=["message.output_text.logprobs"])).json()
    assert body["output"][0]["content"][0]["logprobs"] == [entry | {"top_logprobs": []}]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"previous_response_id": "resp_1"}, "send the whole conversation in `input`"),
        ({"conversation": "conv_1"}, "send the whole conversation in `input`"),
        ({"background": True}, "send `stream: true`"),
        ({"prompt": {"id": "pmpt_1"}}, "send its text as `instructions`"),
        ({"tools": [{"type": "web_search"}]}, "'web_search' is not supported; the gateway runs no tools"),
        ({"tools": [{"type": "custom", "name": "x"}]}, "describe it as a function"),
        ({"tools": [{"type": "namespace", "name": "x", "tools": []}]}, "list its functions"),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "the gateway runs no tools"),
        ({"tool_choice": {"type": "function", "name": "x"}}, "there is no tool 'x'"),
        ({"tool_choice": "required"}, "there are no tools to call"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "send the item itself"),
        ({"input": [{"id": "msg_1"}]}, "send the item itself"),
        ({"input": [{"type": "web_search_call", "id": "ws_1"}]}, "leave it out, or tell the model"),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "send text and images"),
        ({"input": []}, "at least 1 item"),
        ({"input": [{"role": "user"}]}, "input.0.content: Field required"),
        ({"max_output_tokens": 10**6}, "must be at most 4096"),
        ({"service_tier": "flex"}, "there is one tier"),
    ],
)
async def test_what_is_not_possible_is_refused_with_what_to_do(
    open_gateway: Open, fields: dict[str, Any], problem: str
) -> None:
    response = await respond(await open_gateway(), **fields)
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == (400, "invalid_request_error")
    assert problem in error["message"]
    assert error["param"].partition(".")[0] == next(iter(fields))


async def test_a_capability_that_the_model_lacks_is_named(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion"]})
    response = await respond(app, tools=[WEATHER])
    assert response.json()["error"]["message"] == f"{MODEL!r} does not support tools"


async def test_undocumented_fields_are_ignored_and_named(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(json={"message": {"content": "Hi"}, **DONE})
    input_ = [{"role": "user", "content": "Hi", "mood": 1}]
    response = await respond(app, input=input_, color="red", text={"verbosity": "low"})
    assert response.status_code == 200
    assert response.headers["x-ignored-fields"] == "color, input.mood, text.verbosity"
