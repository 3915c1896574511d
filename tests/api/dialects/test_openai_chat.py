"""POST /v1/chat/completions and GET /v1/models: what they take, what they answer, how they fail."""

import json
from typing import Any

import httpx
import pytest

from tests.api.conftest import MODEL, InProcess, Open

HELLO = [{"role": "user", "content": "Say hello."}]
DONE = {"done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 2, "eval_duration": 1000}
LINES = [
    {"message": {"role": "assistant", "content": "Hel"}, "done": False},
    {"message": {"role": "assistant", "content": "lo."}, "done": False},
    {"message": {"role": "assistant", "content": ""}, **DONE},
]
NDJSON = "\n".join(map(json.dumps, LINES)) + "\n"
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


async def ask(opened: InProcess, **fields: Any) -> httpx.Response:
    return await opened.http.post("/v1/chat/completions", json={"model": MODEL, "messages": HELLO} | fields)


async def asked_of_the_runtime(opened: InProcess, **fields: Any) -> dict[str, Any]:
    """Ask, and return what the runtime was asked."""
    route = opened.runtime.post("/api/chat").respond(json=LINES[0] | DONE)
    answer = await ask(opened, **fields)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    return body


def events(answer: httpx.Response) -> list[Any]:
    """The objects of a stream; its end is checked."""
    *before, done, rest = answer.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    return [json.loads(event.removeprefix("data: ")) for event in before]


def failed(answer: httpx.Response) -> tuple[int, str, str | None]:
    """The status, the code and the place of a failure in OpenAI's shape."""
    error = answer.json().pop("error")
    assert set(error) == {"message", "type", "param", "code"}
    expected = {429: "rate_limit_error"}.get(answer.status_code) or (
        "invalid_request_error" if answer.status_code < 500 else "server_error"
    )
    assert error["type"] == expected
    return answer.status_code, error["code"], error["param"]


async def test_a_plain_answer_is_a_chat_completion(open_gateway: Open) -> None:
    opened = await open_gateway()
    opened.runtime.post("/api/chat").respond(json={"message": {"content": "Hello."}, **DONE})
    answer = (await ask(opened)).json()
    assert answer.pop("id").startswith("chatcmpl-")
    assert answer.pop("created") > 1_700_000_000
    assert set(answer.pop("timings")) >= {"queue_seconds", "decode_seconds", "total_seconds"}
    assert answer == {
        "object": "chat.completion",
        "model": MODEL,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello.", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": USAGE,
    }


async def test_a_stream_is_chunks_and_done(open_gateway: Open) -> None:
    opened = await open_gateway()
    opened.runtime.post("/api/chat").respond(text=NDJSON)
    answer = await ask(opened, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    chunks = events(answer)
    assert {(chunk["object"], chunk["model"]) for chunk in chunks} == {("chat.completion.chunk", MODEL)}
    assert len({(chunk["id"], chunk["created"]) for chunk in chunks}) == 1
    choices = [chunk["choices"][0] for chunk in chunks]
    assert [choice["delta"] for choice in choices] == [
        {"role": "assistant", "content": ""},
        {"content": "Hel"},
        {"content": "lo."},
        {},
    ]
    assert [choice["finish_reason"] for choice in choices] == [None, None, None, "stop"]
    assert not any("usage" in chunk for chunk in chunks)


async def test_a_stream_tells_its_usage_when_asked_to(open_gateway: Open) -> None:
    opened = await open_gateway()
    opened.runtime.post("/api/chat").respond(text=NDJSON)
    *chunks, last = events(await ask(opened, stream=True, stream_options={"include_usage": True}))
    assert (last["choices"], last["usage"]) == ([], USAGE)
    assert [chunk["usage"] for chunk in chunks] == [None] * 4


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
        ({"response_format": {"type": "text"}, "seed": None, "stop": None, "stream": None}, {}),
    ],
)
async def test_a_field_reaches_the_runtime_by_ollamas_name(
    open_gateway: Open, given: dict[str, Any], options: dict[str, Any]
) -> None:
    opened = await open_gateway(max_output_tokens=100)
    asked = await asked_of_the_runtime(opened, **given)
    assert asked["options"] == {"num_predict": 100} | options
    assert asked["stream"] is False


async def test_developers_speak_as_the_system_and_parts_are_one_text(open_gateway: Open) -> None:
    parts = [{"type": "text", "text": "Say "}, {"type": "text", "text": "hello."}]
    asked = await asked_of_the_runtime(
        await open_gateway(),
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": parts, "name": "someone"},
            {"role": "assistant", "content": "Hello."},
        ],
    )
    assert asked["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Say hello."},
        {"role": "assistant", "content": "Hello."},
    ]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"temperature": 3}, "temperature"),
        ({"temperature": "1"}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 4097}, "max_tokens"),
        ({"max_completion_tokens": 4097}, "max_completion_tokens"),
        ({"stop": ""}, "stop"),
        ({"stop": [".", ""]}, "stop.1"),
        ({"stop": ["."] * 9}, "stop"),
        ({"stop": 5}, "stop"),
        ({"n": 2}, "n"),
        ({"seed": 2**31}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"response_format": {"type": "json_object"}}, "response_format.type"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"tools": []}, "tools"),
        ({"str": 1}, "str"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages.0.content"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "text": "x"}]}]},
            "messages.0.content.0.type",
        ),
    ],
)
async def test_a_wrong_value_is_a_400_that_names_its_place(
    open_gateway: Open, fields: dict[str, Any], place: str
) -> None:
    answer = await ask(await open_gateway(), **fields)
    assert failed(answer) == (400, "invalid_value", place)
    assert answer.json()["error"]["message"].startswith(f"{place}: ")
