"""Each failure of the runtime reaches the client with its own status and code, in one shape."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.support.errors import error_of
from tests.api.support.in_process import Open
from tests.api.support.requests import generate

PIECE = b'{"response":"Hel","done":false}\n'
ERROR_LINE = b'{"error":"the model runner has unexpectedly stopped"}\n'


@pytest.mark.parametrize("stream", [False, True])
async def test_a_model_that_the_runtime_does_not_list_is_refused_without_asking_it(
    open_gateway: Open, stream: bool
) -> None:
    app = await open_gateway()
    route = app.runtime.post("/api/generate")
    response = await generate(app, stream=stream, model="other:1")
    assert error_of(response, 404, "model_not_found")["param"] == "model"
    assert not route.called
    assert app.outcomes("error") == 0


ERRORS = [
    (404, 404, "model_not_found", "not found"),
    (400, 400, "invalid_value", "the runtime rejected the request: the reason"),
    (499, 502, "runtime_error", "the runtime responded with status 499: the reason"),
    (500, 502, "runtime_error", "the runtime responded with status 500: the reason"),
    (302, 502, "runtime_error", "the runtime responded with status 302: the reason"),
    (503, 503, "runtime_busy", "the runtime is busy: the reason"),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("runtime_status", "status", "code", "message"), ERRORS)
async def test_an_error_of_the_runtime_has_its_own_status_and_the_reason(
    open_gateway: Open, runtime_status: int, status: int, code: str, message: str, stream: bool
) -> None:
    app = await open_gateway()
    route = app.runtime.post("/api/generate").respond(runtime_status, json={"error": "the reason"})
    response = await generate(app, stream=stream)
    assert message in error_of(response, status, code)["message"]
    assert response.headers.get("retry-after") == ("2" if status == 503 else None)
    assert app.outcomes("error") == (status >= 500)
    assert route.call_count == 1


async def test_an_error_of_the_runtime_that_is_not_json_is_quoted_in_part(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(500, content=b"<html>\xff" + b"x" * 1000)
    message = error_of(await generate(app), 502, "runtime_error")["message"]
    assert message.startswith("the runtime responded with status 500: <html>")
    assert len(message) < 300


async def broken(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    raise httpx.ReadError("the connection ended")


async def complete(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize(
    ("code", "chunks"),
    [
        ("runtime_lost", broken(PIECE)),
        ("model_crashed", complete(PIECE, ERROR_LINE)),
        ("model_crashed", complete(PIECE + ERROR_LINE)),  # in one read, which must not make a difference
        ("runtime_error", complete(PIECE, b"nonsense\n")),
        ("runtime_error", complete(PIECE + b"nonsense\n")),
    ],
)
async def test_a_failure_after_the_stream_has_started_ends_it_with_an_error_event(
    open_gateway: Open, chunks: AsyncIterator[bytes], code: str
) -> None:
    app = await open_gateway()
    route = app.runtime.post("/api/generate")
    route.mock(side_effect=lambda _: httpx.Response(200, content=chunks))
    response = await generate(app, stream=True)
    piece, last = map(json.loads, response.text.splitlines())
    assert (response.status_code, piece["response"]) == (200, "Hel")
    assert (set(last), last["error"]["code"]) == ({"error"}, code)
    assert app.outcomes("error") == 1
    assert route.call_count == 1  # no retries after the first byte


STOPPED = (
    "model runner has unexpectedly stopped, this may be due to resource limitations or an internal error,"
    " check ollama server logs for details"
)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (STOPPED, "model_crashed"),
        ("llama-server process has terminated: exit status 134", "model_crashed"),
        ("llama-server process has terminated: signal: killed", "out_of_memory"),
        (f"{STOPPED}: CUDA error: out of memory", "out_of_memory"),
        ("model requires more system memory (9.7 GiB) than is available (3.1 GiB)", "out_of_memory"),
        ("cudaMalloc failed: out of memory", "out_of_memory"),
        ("unknown architecture", "runtime_error"),
    ],
)
async def test_ollamas_own_ends_are_told_apart_before_and_in_a_stream(
    open_gateway: Open, message: str, code: str
) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(500, json={"error": message})
    assert message in error_of(await generate(app), 502, code)["message"]
    error = json.dumps({"error": message}).encode() + b"\n"
    app.runtime.post("/api/generate").respond(content=PIECE + error)
    last = json.loads((await generate(app, stream=True)).text.splitlines()[-1])
    assert last["error"]["code"] == code
    assert message in last["error"]["message"]
