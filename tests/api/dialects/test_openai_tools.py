"""Tools in chat completions: offered to the model, or demanded by a constraint on what it can write."""

import json
from typing import Any

import pytest

from tests.api.support.errors import error_of
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.requests import DONE, HELLO, chat, ndjson

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {
    "type": "function",
    "function": {"name": "weather", "description": "Of a city.", "parameters": CITY},
}
TIME = {"type": "function", "function": {"name": "time", "strict": True}}
PARIS = {"id": "call_1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Paris"}}}
NOW = {"id": "call_2", "function": {"index": 1, "name": "time", "arguments": {}}}
CALLING = {"message": {"role": "assistant", "content": "", "tool_calls": [PARIS, NOW]}}
NAMED = {"type": "function", "function": {"name": "weather"}}


async def ask(app: InProcess, *lines: Any, **fields: Any) -> tuple[Any, list[Any], dict[str, Any]]:
    """Ask whole and streamed; return the choice, the streamed choices, and what the runtime was sent."""
    route = app.runtime.post("/api/chat")
    text = "".join(line["message"]["content"] for line in lines)
    calls = [call for line in lines for call in line["message"].get("tool_calls", ())]
    route.respond(json={"message": {"content": text, "tool_calls": calls}, **DONE})
    whole = await chat(app, **fields)
    assert whole.status_code == 200, whole.text
    route.respond(text=ndjson(*lines, {"message": {"content": ""}, **DONE}))
    *events, done, _ = (await chat(app, **fields, stream=True)).text.split("\n\n")
    assert done == "data: [DONE]"
    choices = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events]
    return whole.json()["choices"][0], choices, json.loads(route.calls.last.request.content)


def streamed_calls(choices: list[Any]) -> list[dict[str, Any]]:
    """Return calls as a client collects them, checking that only the first part of each has its name."""
    calls: list[dict[str, Any]] = []
    for part in (part for choice in choices for part in choice["delta"].get("tool_calls", ())):
        if part["index"] == len(calls):
            assert part["function"]["arguments"] == ""
            calls.append({name: part[name] for name in ("id", "type")} | {"function": dict(part["function"])})
        else:
            assert set(part) == {"index", "function"}
            calls[part["index"]]["function"]["arguments"] += part["function"]["arguments"]
    return calls


def without_ids(calls: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    assert all(call["id"] and call["type"] == "function" for call in calls)
    return [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


def texts(*pieces: str) -> list[dict[str, Any]]:
    return [{"message": {"content": piece}, "done": False} for piece in pieces]


async def test_the_models_calls_are_returned_whole_and_streamed(open_gateway: Open) -> None:
    whole, choices, sent = await ask(await open_gateway(), CALLING, tools=[WEATHER, TIME])
    assert sent["tools"][0] == WEATHER
    empty = {"type": "object", "properties": {}}
    assert sent["tools"][1]["function"] == {"name": "time", "description": "", "parameters": empty}
    assert "format" not in sent
    assert (whole["message"]["content"], whole["finish_reason"]) == (None, "tool_calls")
    assert without_ids(whole["message"]["tool_calls"]) == [("weather", {"city": "Paris"}), ("time", {})]
    assert streamed_calls(choices) == whole["message"]["tool_calls"]
    assert choices[-1]["finish_reason"] == "tool_calls"


async def test_without_parallel_calls_only_the_first_is_returned(open_gateway: Open) -> None:
    fields = {"tools": [WEATHER, TIME], "parallel_tool_calls": False}
    whole, choices, _ = await ask(await open_gateway(), CALLING, **fields)
    assert without_ids(whole["message"]["tool_calls"]) == [("weather", {"city": "Paris"})]
    assert streamed_calls(choices) == whole["message"]["tool_calls"]


async def test_the_choice_none_offers_no_tools(open_gateway: Open) -> None:
    whole, _, sent = await ask(await open_gateway(), *texts("Hello"), tools=[WEATHER], tool_choice="none")
    assert "tools" not in sent
    assert whole["message"]["content"] == "Hello"


@pytest.mark.parametrize("choice", [NAMED, "required"])
async def test_a_demanded_call_of_one_function_is_constrained_to_its_arguments(
    open_gateway: Open, choice: Any
) -> None:
    tools = [WEATHER, TIME] if choice == NAMED else [WEATHER]
    pieces = texts('{"ci', 'ty": "Par', 'is"}')
    whole, choices, sent = await ask(await open_gateway(), *pieces, tools=tools, tool_choice=choice)
    assert sent["format"] == CITY
    assert "tools" not in sent
    system, question = sent["messages"]
    assert (system["role"], question) == ("system", HELLO[0])
    assert json.dumps(CITY) in system["content"]
    assert (whole["message"]["content"], whole["finish_reason"]) == (None, "tool_calls")
    for calls in (whole["message"]["tool_calls"], streamed_calls(choices)):
        assert without_ids(calls) == [("weather", {"city": "Paris"})]
    assert len(choices) == 1 + 1 + 3 + 1  # the role, the name, the arguments as they come, the end


async def test_a_demanded_call_of_any_function_is_constrained_to_its_name_and_arguments(
    open_gateway: Open,
) -> None:
    pieces = texts('{"na', 'me": "weather", "arg', 'uments": {"city": ', '"}\\" Paris"', "}}", " ")
    fields = {"tools": [WEATHER, TIME], "tool_choice": "required"}
    whole, choices, sent = await ask(await open_gateway(), *pieces, **fields)
    options = sent["format"]["anyOf"]
    assert [option["properties"]["name"]["enum"] for option in options] == [["weather"], ["time"]]
    assert options[0]["properties"]["arguments"] == CITY
    for calls in (whole["message"]["tool_calls"], streamed_calls(choices)):
        assert without_ids(calls) == [("weather", {"city": '}" Paris'})]


async def test_only_the_allowed_tools_are_offered(open_gateway: Open) -> None:
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [NAMED]}}
    _, _, sent = await ask(await open_gateway(), *texts("Hi"), tools=[TIME, WEATHER], tool_choice=allowed)
    assert sent["tools"] == [WEATHER]


@pytest.mark.parametrize(
    ("pieces", "content", "calls"),
    [
        (['{"answer": {"a"', ": [1]}", "}"], '{"a": [1]}', []),
        (['{"name": "time", "arguments": {}}'], None, [("time", {})]),
    ],
)
async def test_with_tools_and_a_format_the_model_may_call_or_answer_in_the_format(
    open_gateway: Open, pieces: list[str], content: str | None, calls: list[Any]
) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array"}}}
    fields = {"tools": [TIME], "response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
    whole, choices, sent = await ask(await open_gateway(), *texts(*pieces), **fields)
    assert sent["format"]["anyOf"][-1]["properties"] == {"answer": schema}
    assert whole["message"]["content"] == content
    assert "".join(choice["delta"].get("content", "") for choice in choices) == (content or "")
    assert without_ids(whole["message"].get("tool_calls", [])) == calls
    assert without_ids(streamed_calls(choices)) == calls


async def test_a_call_that_is_cut_off_keeps_its_beginning(open_gateway: Open) -> None:
    app = await open_gateway()
    line = {"message": {"content": '{"city": "Pa'}, **DONE, "done_reason": "length"}
    app.runtime.post("/api/chat").respond(json=line)
    choice = (await chat(app, tools=[WEATHER], tool_choice=NAMED)).json()["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["tool_calls"][0]["function"]["arguments"] == '{"city": "Pa'


async def test_an_answer_in_spite_of_a_demanded_call_is_passed_on(open_gateway: Open) -> None:
    fields = {"tools": [WEATHER, TIME], "tool_choice": "required"}
    whole, choices, _ = await ask(await open_gateway(), *texts("No ", "way"), **fields)
    assert (whole["message"]["content"], whole["finish_reason"]) == ("No way", "stop")
    assert "".join(choice["delta"].get("content", "") for choice in choices) == "No way"


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        ({"tools": [WEATHER]}, "tools"),
        ({"reasoning_effort": "low"}, "thinking"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {"type": "image_url", "image_url": {"url": "data:image/png;base64,eHh4"}}
                        ],
                    }
                ]
            },
            "images",
        ),
    ],
)
async def test_what_a_model_cannot_do_is_a_400_that_says_so(
    open_gateway: Open, fields: dict[str, Any], lacking: str
) -> None:
    app = await open_gateway()
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion"]})
    message = error_of(await chat(app, **fields), 400, "unsupported_by_model")["message"]
    assert f"does not support {lacking}" in message
    assert MODEL in message


async def test_a_model_without_tools_can_be_made_to_call_one(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion"]})
    whole, _, _ = await ask(app, *texts('{"city": "Paris"}'), tools=[WEATHER], tool_choice="required")
    assert without_ids(whole["message"]["tool_calls"]) == [("weather", {"city": "Paris"})]
