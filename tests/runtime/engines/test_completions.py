"""Jobs as requests to llama.cpp, and its events as chunks; the events were recorded."""

from typing import Any

import pytest
from llm_runtime.engines.completions import EventReader, chat_request, completion_request
from llm_runtime.engines.engine import Chunk, EngineError, Finish, Job
from llm_runtime.schemas import Message, Options

TIMINGS = {"cache_n": 2, "prompt_n": 3, "prompt_ms": 1.5, "predicted_n": 4, "predicted_ms": 2.5}


def event(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    last = {"timings": TIMINGS} if reason else {}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **last}


def part(index: int, arguments: str, **first: str) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": first.pop("name")} if first else {})
    return event({"tool_calls": [{"index": index, "function": function, **first}]})


def read(*events: dict[str, Any], **job: Any) -> list[tuple[Chunk | None, Finish | None]]:
    reader = EventReader(Job(Options(), **job))
    return [reader.read(event) for event in events]


CALLS = [
    event({"role": "assistant", "content": None}),
    part(0, "{", id="a1", name="get_weather"),
    part(0, '"city":"Paris"}'),
    part(1, "", id="b2", name="get_time"),
]


def test_tool_calls_are_collected_until_the_end() -> None:
    first, *parts, (last, finish) = read(*CALLS, event({}, "tool_calls"))
    assert first == (None, None)
    assert parts == [(Chunk(), None)] * 3  # each has cost a token
    assert last is not None
    assert [call.model_dump() for call in last.tool_calls] == [
        {"id": "a1", "function": {"index": 0, "name": "get_weather", "arguments": {"city": "Paris"}}},
        {"id": "b2", "function": {"index": 1, "name": "get_time", "arguments": {}}},
    ]
    assert finish == Finish("stop", 5, 1_500_000, 4, 2_500_000)


def test_a_tool_call_that_the_limit_cuts_off_is_dropped() -> None:
    chunk, finish = read(*CALLS[:2], event({}, "length"))[-1]
    assert chunk is None
    assert finish is not None
    assert finish.reason == "length"


def test_arguments_that_are_no_json_are_an_error() -> None:
    with pytest.raises(EngineError, match="arguments of get_weather are not JSON"):
        read(*CALLS[:2], event({}, "tool_calls"))


def test_thinking_and_text_are_separate() -> None:
    chunks = [chunk for chunk, _ in read(event({"reasoning_content": "Hm"}), event({"content": "Hi"}))]
    assert chunks == [Chunk(thinking="Hm"), Chunk("Hi")]


@pytest.mark.parametrize(("logprobs", "count"), [(0, 0), (1, 1), (2, 2)])
def test_as_many_alternatives_are_passed_on_as_were_asked_for(logprobs: int, count: int) -> None:
    top = [{"token": "Hi", "logprob": -0.1}, {"token": "Ho", "logprob": -2.5}]
    content = event({"content": "Hi"})
    content["choices"][0]["logprobs"] = {"content": [{"token": "Hi", "logprob": -0.1, "top_logprobs": top}]}
    ((chunk, _),) = read(content, logprobs=logprobs)
    assert chunk is not None
    assert [len(entry.top) for entry in chunk.logprobs] == [count]


def test_an_error_keeps_its_status() -> None:
    with pytest.raises(EngineError, match="too long") as caught:
        read({"error": {"code": 400, "message": "too long"}})
    assert caught.value.status == 400


def test_a_message_is_sent_with_its_thinking_calls_and_names() -> None:
    call = {"id": "a1", "function": {"name": "get_weather", "arguments": {"city": "Zürich"}}}
    assistant = Message.model_validate({"role": "assistant", "thinking": "Hm", "tool_calls": [call]})
    tool = Message(role="tool", content="Sunny", tool_name="get_weather", tool_call_id="a1")
    sent = chat_request(Job(Options(), messages=(assistant, tool)), thinks=False)["messages"]
    assert sent[0]["reasoning_content"] == "Hm"
    assert sent[0]["tool_calls"][0]["function"]["arguments"] == '{"city": "Z\\u00fcrich"}'
    assert sent[1] == {"role": "tool", "content": "Sunny", "name": "get_weather", "tool_call_id": "a1"}


@pytest.mark.parametrize(
    ("think", "expected"),
    [
        (None, {"enable_thinking": True}),
        (False, {"enable_thinking": False}),
        ("low", {"enable_thinking": True, "reasoning_effort": "low"}),
    ],
)
def test_a_model_that_can_think_does_unless_told_otherwise(
    think: bool | str | None, expected: dict[str, Any]
) -> None:
    job = Job(Options(), messages=(Message(role="user", content="Hi"),), think=think)
    assert chat_request(job, thinks=True)["chat_template_kwargs"] == expected
    assert "chat_template_kwargs" not in chat_request(job, thinks=False)


def test_a_gap_is_marked_by_the_models_own_tokens() -> None:
    request = completion_request(Job(Options(), prompt="def f(", suffix="return 1"), (3, 4, 5))
    assert request["prompt"] == [3, "def f(", 4, "return 1", 5]
