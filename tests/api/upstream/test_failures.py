"""What goes wrong at the runtime, and what the client is told: one shape, a status for each cause."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.conftest import Open
from tests.api.support.asking import counted, error_of, generate

PIECE = b'{"response":"Hel","done":false}\n'
ERROR_LINE = b'{"error":"the model runner has unexpectedly stopped"}\n'


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_is_not_listed_is_not_asked_for(open_gateway: Open, stream: bool) -> None:
    opened = await open_gateway()
    route = opened.runtime.post("/api/generate")
    answer = await generate(opened, stream=stream, model="other:1")
    assert error_of(answer, 404, "model_not_found")["param"] == "model"
    assert not route.called
    assert counted(opened, "error") == 0


REFUSALS = [
    (404, 404, "model_not_found", "not found"),
    (400, 400, "invalid_value", "the runtime refuses the request: it says why"),
    (499, 502, "runtime_error", "the runtime answered 499: it says why"),
    (500, 502, "runtime_error", "the runtime answered 500: it says why"),
    (302, 502, "runtime_error", "the runtime answered 302: it says why"),
    (503, 503, "runtime_busy", "the runtime is busy: it says why"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("said", "status", "code", "message"), REFUSALS)
async def test_a_refusal_by_the_runtime_has_a_status_and_says_why(
    open_gateway: Open, said: int, status: int, code: str, message: str, stream: bool
) -> None:
    opened = await open_gateway()
    route = opened.runtime.post("/api/generate").respond(said, json={"error": "it says why"})
    answer = await generate(opened, stream=stream)
    assert message in error_of(answer, status, code)["message"]
    assert answer.headers.get("retry-after") == ("2" if status == 503 else None)
    assert counted(opened, "error") == (status >= 500)
    assert route.call_count == 1


async def test_a_refusal_that_is_no_json_is_told_in_its_first_words(open_gateway: Open) -> None:
    opened = await open_gateway()
    opened.runtime.post("/api/generate").respond(500, content=b"<html>\xff" + b"x" * 1000)
    message = error_of(await generate(opened), 502, "runtime_error")["message"]
    assert message.startswith("the runtime answered 500: <html>")
    assert len(message) < 300


async def broken(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    raise httpx.ReadError("the connection ended")


async def complete(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize(
    "chunks", [broken(PIECE), complete(PIECE, ERROR_LINE), complete(PIECE, b"nonsense\n")]
)
async def test_what_fails_in_a_started_stream_ends_it_with_an_error_event(
    open_gateway: Open, chunks: AsyncIterator[bytes]
) -> None:
    opened = await open_gateway()
    route = opened.runtime.post("/api/generate")
    route.mock(side_effect=lambda _: httpx.Response(200, content=chunks))
    answer = await generate(opened, stream=True)
    piece, last = map(json.loads, answer.text.splitlines())
    assert (answer.status_code, piece["response"]) == (200, "Hel")
    assert (set(last), last["error"]["code"]) == ({"error"}, "runtime_error")
    assert counted(opened, "error") == 1
    assert route.call_count == 1  # nothing is tried again after the first byte
