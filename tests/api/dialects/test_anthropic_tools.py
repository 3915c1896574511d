"""Tools in POST /v1/messages: offered, called, and their results sent back."""

from typing import Any

import pytest

from tests.api.support.anthropic import IMAGE, PNG, TIME, WEATHER, answer_to, sent_to_the_runtime, text, user
from tests.api.support.in_process import Open
from tests.api.support.requests import DONE


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
