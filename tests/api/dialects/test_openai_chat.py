"""POST /v1/chat/completions: plain and streamed responses."""

from typing import Any

import pytest

from tests.api.support.in_process import MODEL, Open
from tests.api.support.requests import CHAT_LINES, DONE, chat, events, ndjson

USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}


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
    ("reason", "sent"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("load", "stop"),
        ("unload", "stop"),
        ("", "stop"),
        ("x", "stop"),
    ],
)
async def test_a_finish_reason_is_one_that_openai_has(open_gateway: Open, reason: str, sent: str) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(json=CHAT_LINES[0] | DONE | {"done_reason": reason})
    assert (await chat(app)).json()["choices"][0]["finish_reason"] == sent
    assert events(await chat(app, stream=True))[-1]["choices"][0]["finish_reason"] == sent


async def test_log_probabilities_come_with_their_tokens(open_gateway: Open) -> None:
    app = await open_gateway()
    entry = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105]}
    line = {"message": {"content": "Hi"}, "logprobs": [entry | {"top_logprobs": [entry]}]}
    expected = {"content": [entry | {"top_logprobs": [entry]}], "refusal": None}
    app.runtime.post("/api/chat").respond(json=line | DONE)
    assert (await chat(app, logprobs=True, top_logprobs=1)).json()["choices"][0]["logprobs"] == expected
    held = {"message": {"content": ""}, "logprobs": [entry]}  # while Ollama decides what the token belongs to
    app.runtime.post("/api/chat").respond(text=ndjson(held, line, CHAT_LINES[-1]))
    choices = [event["choices"][0] for event in events(await chat(app, stream=True, logprobs=True))]
    without = {"content": [entry | {"top_logprobs": []}], "refusal": None}
    assert [choice["logprobs"] for choice in choices] == [None, without, expected, None]
