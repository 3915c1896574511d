"""POST /v1/messages: what the runtime is sent for a request, and whole answers."""

import json
from typing import Any

import pytest

from tests.api.support.anthropic import IMAGE, PNG, TIME, WEATHER, send
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.requests import DONE


def text(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


async def sent_to_the_runtime(app: InProcess, path: str = "/v1/messages", **fields: Any) -> dict[str, Any]:
    """Send a request; return the body that the runtime gets."""
    everything = ["completion", "tools", "vision", "thinking"]
    app.runtime.post("/api/show").respond(json={"capabilities": everything})
    route = app.runtime.post("/api/chat").respond(json={"message": {"content": "Hello."}, **DONE})
    response = await send(app, path, **fields)
    assert response.status_code == 200, response.text
    assert "x-ignored-fields" not in response.headers
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    return body


async def answer_to(app: InProcess, message: dict[str, Any], done: Any = DONE, **fields: Any) -> Any:
    """Return the answer when the runtime says this."""
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion", "tools", "thinking"]})
    app.runtime.post("/api/chat").respond(json={"message": {"content": ""} | message, **done})
    response = await send(app, **fields)
    assert response.status_code == 200, response.text
    return response.json()


async def test_an_answer_is_a_message(open_gateway: Open) -> None:
    answer = await answer_to(await open_gateway(), {"content": "Hello."})
    assert answer.pop("id").startswith("msg_")
    assert answer == {
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [{"type": "text", "text": "Hello.", "citations": None}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {
            "input_tokens": 7,
            "output_tokens": 2,
            "output_tokens_details": None,
            "cache_creation": None,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "inference_geo": None,
            "server_tool_use": None,
            "service_tier": "standard",
        },
    }


async def test_an_answer_has_thinking_then_text_then_calls(open_gateway: Open) -> None:
    calls = [{"id": "call 1", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}]
    message = {"thinking": "Hm.", "content": "Let me see.", "tool_calls": calls}
    answer = await answer_to(await open_gateway(), message, tools=[WEATHER])
    assert answer["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": "unsigned"},
        {"type": "text", "text": "Let me see.", "citations": None},
        {
            "type": "tool_use",
            "id": "call_1",
            "name": "get_weather",
            "input": {"city": "Oslo"},
            "caller": {"type": "direct"},
        },
    ]
    assert answer["stop_reason"] == "tool_use"


@pytest.mark.parametrize(
    ("done_reason", "stop_reason"),
    [("stop", "end_turn"), ("length", "max_tokens"), ("load", "end_turn"), ("unload", "end_turn")],
)
async def test_each_reason_of_the_runtime_is_one_of_anthropics(
    open_gateway: Open, done_reason: str, stop_reason: str
) -> None:
    app = await open_gateway()
    answer = await answer_to(app, {"content": "Hello."}, DONE | {"done_reason": done_reason})
    assert answer["stop_reason"] == stop_reason


async def test_the_answer_has_the_name_that_was_asked_for(open_gateway: Open) -> None:
    app = await open_gateway(model_aliases=f"claude-*={MODEL}")
    assert (await answer_to(app, {"content": "x"}, model="claude-sonnet-4-5"))["model"] == "claude-sonnet-4-5"


async def test_options_reach_the_runtime(open_gateway: Open) -> None:
    body = await sent_to_the_runtime(
        await open_gateway(), temperature=0.5, top_p=0.25, top_k=7, stop_sequences=["END"], max_tokens=5
    )
    assert body["options"] == {
        "temperature": 0.5,
        "top_p": 0.25,
        "top_k": 7,
        "stop": ["END"],
        "num_predict": 5,
    }
    assert (body["model"], body["stream"], body["think"]) == (MODEL, False, False)


async def test_more_tokens_than_allowed_are_as_many_as_allowed(open_gateway: Open) -> None:
    body = await sent_to_the_runtime(await open_gateway(max_output_tokens=20), max_tokens=64_000)
    assert body["options"]["num_predict"] == 20


@pytest.mark.parametrize("system", ["Be brief.", [text("Be "), text("brief.") | {"cache_control": {}}]])
async def test_a_system_prompt_is_the_first_message(open_gateway: Open, system: Any) -> None:
    body = await sent_to_the_runtime(await open_gateway(), system=system)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}


async def test_content_blocks_become_text_and_images(open_gateway: Open) -> None:
    body = await sent_to_the_runtime(
        await open_gateway(), messages=[user(text("What "), IMAGE, text("is it?"))]
    )
    assert body["messages"] == [{"role": "user", "content": "What is it?", "images": [PNG]}]


async def test_a_conversation_with_tools_goes_back_to_the_runtime(open_gateway: Open) -> None:
    turn = [
        {"type": "thinking", "thinking": "Hm.", "signature": "s"},
        {"type": "redacted_thinking", "data": "xyz"},
        text("Let me see."),
        {"type": "tool_use", "id": "a", "name": "get_weather", "input": {"city": "Oslo"}},
        {"type": "tool_use", "id": "b", "name": "get_time", "input": {}},
    ]
    results = user(
        {"type": "tool_result", "tool_use_id": "a", "content": [text("Sun"), IMAGE]},
        {"type": "tool_result", "tool_use_id": "b", "content": "no clock", "is_error": True},
        {"type": "tool_result", "tool_use_id": "unknown"},
        text("Well?"),
    )
    messages = [user(text("Hi")), {"role": "assistant", "content": turn}, results]
    body = await sent_to_the_runtime(await open_gateway(), messages=messages, tools=[WEATHER, TIME])
    assert body["messages"] == [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "Let me see.",
            "thinking": "Hm.",
            "tool_calls": [
                {"id": "a", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}},
                {"id": "b", "function": {"name": "get_time", "arguments": {}}},
            ],
        },
        {
            "role": "tool",
            "content": "Sun",
            "tool_call_id": "a",
            "tool_name": "get_weather",
            "images": [PNG],
        },
        {"role": "tool", "content": "Error: no clock", "tool_call_id": "b", "tool_name": "get_time"},
        {"role": "tool", "content": "", "tool_call_id": "unknown"},
        {"role": "user", "content": "Well?"},
    ]


async def test_results_alone_add_no_empty_message(open_gateway: Open) -> None:
    results = user({"type": "tool_result", "tool_use_id": "a", "content": "Sun"})
    body = await sent_to_the_runtime(await open_gateway(), messages=[results])
    assert [message["role"] for message in body["messages"]] == ["tool"]


async def test_tools_are_offered_as_functions(open_gateway: Open) -> None:
    tool = WEATHER | {"type": "custom", "strict": True, "input_examples": [{"city": "Oslo"}]}
    body = await sent_to_the_runtime(await open_gateway(), tools=[tool], tool_choice={"type": "auto"})
    (offered,) = body["tools"]
    assert offered["type"] == "function"
    assert offered["function"]["name"] == "get_weather"
    assert offered["function"]["description"] == 'Tells the weather.\nExample: {"city": "Oslo"}'
    assert offered["function"]["parameters"]["required"] == ["city"]
    assert "format" not in body


async def test_with_the_choice_none_no_tools_are_offered(open_gateway: Open) -> None:
    body = await sent_to_the_runtime(await open_gateway(), tools=[WEATHER], tool_choice={"type": "none"})
    assert not {"tools", "format"} & set(body)


@pytest.mark.parametrize(
    ("tools", "choice"),
    [([WEATHER], {"type": "any"}), ([TIME, WEATHER], {"type": "tool", "name": "get_weather"})],
)
async def test_a_demanded_tool_is_called_by_constraint(
    open_gateway: Open, tools: list[Any], choice: dict[str, Any]
) -> None:
    app = await open_gateway()
    fields: dict[str, Any] = {"tools": tools, "tool_choice": choice}
    body = await sent_to_the_runtime(app, **fields)
    assert body["format"]["required"] == ["city"]
    answer = await answer_to(app, {"content": '{"city": "Oslo"}'}, **fields)
    (call,) = answer["content"]
    assert (call["type"], call["name"], call["input"]) == ("tool_use", "get_weather", {"city": "Oslo"})
    assert answer["stop_reason"] == "tool_use"


async def test_any_of_several_tools_is_called_by_constraint(open_gateway: Open) -> None:
    chosen = {"content": '{"name": "get_time", "arguments": {"zone": 1}}'}
    answer = await answer_to(await open_gateway(), chosen, tools=[WEATHER, TIME], tool_choice={"type": "any"})
    (call,) = answer["content"]
    assert (call["name"], call["input"]) == ("get_time", {"zone": 1})


async def test_arguments_that_max_tokens_cut_off_are_what_there_is_of_them(open_gateway: Open) -> None:
    answer = await answer_to(
        await open_gateway(),
        {"content": '{"city": "Oslo", "da'},
        DONE | {"done_reason": "length"},
        tools=[WEATHER],
        tool_choice={"type": "any"},
    )
    assert (answer["content"][0]["input"], answer["stop_reason"]) == ({"city": "Oslo"}, "max_tokens")


@pytest.mark.parametrize(("disabled", "calls"), [(True, 1), (False, 2), (None, 2)])
async def test_parallel_calls_can_be_disabled(open_gateway: Open, disabled: bool | None, calls: int) -> None:
    made: list[Any] = [{"function": {"name": name, "arguments": {}}} for name in ("get_weather", "get_time")]
    choice = {"type": "auto", "disable_parallel_tool_use": disabled}
    answer = await answer_to(
        await open_gateway(), {"tool_calls": made}, tools=[WEATHER, TIME], tool_choice=choice
    )
    assert len(answer["content"]) == calls


@pytest.mark.parametrize(
    ("fields", "think"),
    [
        ({}, False),
        ({"thinking": {"type": "disabled"}}, False),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, True),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}, "output_config": {"effort": "low"}}, "low"),
        ({"thinking": {"type": "enabled"}, "output_config": {"effort": "max"}}, "high"),
        ({"thinking": {"type": "adaptive"}}, None),
        ({"thinking": {"type": "between_tools"}}, None),
    ],
)
async def test_thinking_is_ollamas_think(open_gateway: Open, fields: dict[str, Any], think: Any) -> None:
    assert (await sent_to_the_runtime(await open_gateway(), **fields)).get("think") == think


async def test_omitted_thinking_is_an_empty_block(open_gateway: Open) -> None:
    thinking = {"type": "adaptive", "display": "omitted"}
    answer = await answer_to(await open_gateway(), {"thinking": "Hm.", "content": "Yes"}, thinking=thinking)
    assert answer["content"][0] == {"type": "thinking", "thinking": "", "signature": "unsigned"}


async def test_an_output_format_constrains_the_answer(open_gateway: Open) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    config = {"format": {"type": "json_schema", "schema": schema}}
    assert (await sent_to_the_runtime(await open_gateway(), output_config=config))["format"] == schema


async def test_the_tokens_of_a_prompt_are_counted_by_the_runtime(open_gateway: Open) -> None:
    app = await open_gateway()
    path = "/v1/messages/count_tokens"
    body = await sent_to_the_runtime(app, path, max_tokens=None, tools=[WEATHER], system="Be brief.")
    assert body["options"] == {"num_predict": 1}
    assert (body["truncate"], body["stream"], len(body["tools"])) == (False, False, 1)
    response = await send(app, path, max_tokens=None)
    assert response.json() == {"input_tokens": 7}
