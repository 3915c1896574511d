"""POST /v1/chat/completions: the fields it accepts, plain and streamed responses, invalid values."""

import json
from typing import Any

import pytest

from tests.api.support.errors import error_summary
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.requests import CHAT_LINES, DONE, chat, events, ndjson

USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


async def sent_to_the_runtime(app: InProcess, **fields: Any) -> dict[str, Any]:
    """Send a request; return the body that the runtime gets."""
    route = app.runtime.post("/api/chat").respond(json=CHAT_LINES[0] | DONE)
    response = await chat(app, **fields)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = json.loads(route.calls.last.request.content)
    return body


async def test_a_plain_response_is_a_chat_completion(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(json={"message": {"content": "Hello."}, **DONE})
    response = (await chat(app)).json()
    assert response.pop("id").startswith("chatcmpl-")
    assert response.pop("created") > 1_700_000_000
    assert set(response.pop("timings")) >= {"queue_seconds", "decode_seconds", "total_seconds"}
    assert response == {
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


async def test_a_stream_is_chunks_and_the_word_done(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    response = await chat(app, stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    chunks = events(response)
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


async def test_a_stream_includes_its_usage_on_request(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    *chunks, last = events(await chat(app, stream=True, stream_options={"include_usage": True}))
    assert (last["choices"], last["usage"]) == ([], USAGE)
    assert [chunk["usage"] for chunk in chunks] == [None] * 4


THOUGHT: list[dict[str, Any]] = [
    {"message": {"role": "assistant", "content": "", "thinking": "Let me "}, "done": False},
    {"message": {"role": "assistant", "content": "", "thinking": "see."}, "done": False},
    {"message": {"role": "assistant", "content": "Hello."}, "done": False},
    {"message": {"role": "assistant", "content": ""}, **DONE},
]


async def test_thinking_is_streamed_as_reasoning_apart_from_the_content(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(text=ndjson(*THOUGHT))
    deltas = [event["choices"][0]["delta"] for event in events(await chat(app, stream=True))]
    assert deltas[1:] == [{"reasoning": "Let me "}, {"reasoning": "see."}, {"content": "Hello."}, {}]


async def test_thinking_is_the_reasoning_of_a_plain_response(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(
        json={"message": {"content": "Hello.", "thinking": "Let me see."}, **DONE}
    )
    message = (await chat(app)).json()["choices"][0]["message"]
    assert (message["content"], message["reasoning"]) == ("Hello.", "Let me see.")


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
async def test_a_field_reaches_the_runtime_under_ollamas_name(
    open_gateway: Open, given: dict[str, Any], options: dict[str, Any]
) -> None:
    app = await open_gateway(max_output_tokens=100)
    sent = await sent_to_the_runtime(app, **given)
    assert sent["options"] == {"num_predict": 100} | options
    assert sent["stream"] is False


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
async def test_an_invalid_value_is_a_400_that_names_the_parameter(
    open_gateway: Open, fields: dict[str, Any], param: str
) -> None:
    response = await chat(await open_gateway(), **fields)
    assert error_summary(response) == (400, "invalid_value", param)
    assert response.json()["error"]["message"].startswith(f"{param}: ")
