"""Responses of the runtime that make no sense are its failure (502), never an internal error (500)."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_api.errors import RuntimeFailedError
from llm_api.upstream import ollama
from llm_api.upstream.chunk import Chunk

from tests.api.support.errors import error_of
from tests.api.support.in_process import Open
from tests.api.support.live import Serve
from tests.api.support.requests import generate
from tests.api.support.sockets import runtime_answering

DONE = b'{"response":"","done":true}\n'
BOMB = b'{"response":' + b"[" * 100_000


NONSENSE = [
    b"nonsense",
    b"",
    b"\n\n",
    b"[]",
    b"5",
    b'"an error"',
    b"{}",
    b'{"done":true}',
    b'{"response":5,"done":true}',
    b'{"response":["Hello"],"done":true}',
    b'{"message":null,"done":true}',
    b'{"message":{"content":5},"done":true}',
    b'{"response":"Hel',
    b'{"response":"","done":false}',
    b"\xff\xfe",
    b'{"response":"","done":true,"eval_count":1e999}',
    b'{"response":"","done":true,"eval_count":"many"}',
    b'{"response":"","done":true,"load_duration":"long"}',
    b'{"response":"","done":true,"eval_duration":NaN}',
    b'{"response":"","thinking":5,"done":true}',
    b'{"message":{"content":"","tool_calls":[{"function":{"name":5,"arguments":{}}}]},"done":true}',
    b'{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"done":true}',
    b'{"message":{"content":"","tool_calls":[{"function":{"name":"f","arguments":{"a":1e999}}}]},"done":true}',
    b'{"response":"Hi","logprobs":[{"token":"Hi","logprob":-1e999}],"done":true}',
    b'{"response":"Hi","logprobs":[{"token":"Hi","logprob":-1,"bytes":[300]}],"done":true}',
    BOMB,
]


@pytest.mark.parametrize("content", NONSENSE, ids=lambda content: repr(content[:40]))
async def test_a_response_that_makes_no_sense_is_a_failure_of_the_runtime(
    open_gateway: Open, content: bytes
) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(content=content)
    error_of(await generate(app), 502, "runtime_error")
    assert app.outcomes("error") == 1
    streamed = await generate(app, stream=True)
    if streamed.status_code == 200:  # its first piece had been sent
        assert json.loads(streamed.text.splitlines()[-1])["error"]["code"] == "runtime_error"
    else:
        error_of(streamed, 502, "runtime_error")
    assert app.outcomes("error") == 2


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_a_response_that_cannot_be_decompressed_is_a_failure_of_the_runtime(open_gateway: Open) -> None:
    app = await open_gateway()
    gzipped = {"content-encoding": "gzip"}
    app.runtime.post("/api/generate").mock(
        side_effect=lambda _: httpx.Response(200, headers=gzipped, content=pieces(b"\x1f\x8b", DONE))
    )
    error_of(await generate(app), 502, "runtime_error")


async def test_a_line_without_an_end_is_cut_off(open_gateway: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ollama, "MAX_LINE_BYTES", 1000)
    app = await open_gateway()
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 100
            yield b"x" * 100

    app.runtime.post("/api/generate").mock(side_effect=lambda _: httpx.Response(200, content=endless()))
    message = error_of(await generate(app), 502, "runtime_error")["message"]
    assert message == "the runtime sent a line of more than 1000 bytes"
    assert sent < 1300


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BYTES = {
    "not HTTP": b"\x00\xff no HTTP at all\r\n\r\n",
    "a status line without a number": b"HTTP/1.1 OK\r\n\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
    "a length that is not a number": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "a chunk without a size": HEAD + b"nonsense\r\n",
    "a truncated chunk": HEAD + b"ff\r\n{}",
    "a truncated body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
}


@pytest.mark.parametrize("received", BYTES.values(), ids=BYTES)
async def test_bytes_that_are_not_http_are_a_failure_of_the_runtime(serve: Serve, received: bytes) -> None:
    async with runtime_answering(received) as url:
        live = await serve(runtime_url=url)
        for stream in (False, True):
            response = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
            # A connection that breaks within an answer looks the same, whatever broke it.
            assert response.json()["error"]["code"] in ("runtime_error", "runtime_lost")
            assert response.status_code == 502


async def test_a_connection_that_ends_before_the_response_means_the_runtime_is_unavailable(
    serve: Serve,
) -> None:
    async with runtime_answering(b"") as url:
        live = await serve(runtime_url=url)
        response = await live.http.post("/generate", json={"prompt": "Hello"})
        error_of(response, 503, "runtime_unavailable")
        assert response.headers["retry-after"] == "2"


VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, -1, 0, 7, 10**400, 0.5, -1.0, 1e300, "", "7", "Hi", [], {}, [5]]
)
NUMBERS = VALUES | st.floats()
COUNTS = ("prompt_eval_count", "eval_count", "load_duration", "eval_duration")
LAST = st.fixed_dictionaries(
    {"response": st.sampled_from(["", "Hi"]), "done": st.just(True)},
    optional=dict.fromkeys(COUNTS, NUMBERS) | {"done_reason": VALUES},
)
CALLS = st.lists(
    st.fixed_dictionaries(
        {
            "function": st.fixed_dictionaries(
                {"name": VALUES | st.just("f"), "arguments": VALUES | st.just({"a": 1e999})}
            )
        }
    )
    | VALUES,
    max_size=2,
)
LOGPROBS = st.lists(
    st.fixed_dictionaries(
        {"token": VALUES, "logprob": NUMBERS}, optional={"bytes": VALUES, "top_logprobs": VALUES}
    )
    | VALUES,
    max_size=2,
)
OUTPUT = {"thinking": VALUES, "tool_calls": CALLS | VALUES}
MESSAGES = st.fixed_dictionaries({"content": st.just("") | VALUES}, optional=OUTPUT)
OTHERS = st.fixed_dictionaries(
    {},
    optional=OUTPUT
    | dict.fromkeys(["response", "error", "done"], VALUES)
    | {
        "message": MESSAGES | VALUES,
        "logprobs": LOGPROBS | VALUES,
        "embeddings": st.lists(st.lists(NUMBERS)) | VALUES,
    },
)


@given(events=st.lists(LAST | OTHERS | VALUES, max_size=3), rest=st.binary(max_size=8))
def test_any_line_parses_as_text_as_an_end_or_as_a_failure_of_the_runtime(
    events: list[Any], rest: bytes
) -> None:
    chunks: list[Chunk] = []
    try:
        finish = ollama.parse([*(json.dumps(event).encode() for event in events), rest], chunks)
    except RuntimeFailedError:
        return
    json.dumps([asdict(chunk) for chunk in chunks], allow_nan=False)
    assert all(isinstance(text, str) for chunk in chunks for text in (chunk.text, chunk.thinking))
    assert all(isinstance(call.name, str) for chunk in chunks for call in chunk.tool_calls)
    if finish:
        usage, durations = finish.usage, (finish.load, finish.decode)
        assert all(0 <= count < 2**63 for count in (usage.prompt_tokens, usage.generated_tokens))
        assert all(0 <= duration < 1e10 for duration in durations)
