"""The lean client reads responses with a length or in chunks, and fails those that are truncated."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench import BenchError, lean
from tests.waiting import within

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(*pieces: bytes) -> AsyncIterator[str]:
    """Serve each request with these pieces; an empty one closes the connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            for piece in filter(None, pieces):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.005)
            if b"" in pieces:
                break
        writer.close()
        await writer.wait_closed()
        ended.set()

    ended = asyncio.Event()
    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/generate"
        await within("the server's connection to close", ended.wait())


async def call(url: str, times: int = 1) -> list[lean.Response]:
    connection = await lean.connect(url)
    try:
        request = lean.request(url, {"stream": True})
        return [await within("a response", connection.call(request)) for _ in range(times)]
    finally:
        connection.close()


async def test_one_connection_serves_call_after_call() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"{}") as url:
        responses = await call(url, times=3)
    assert [(response.status, response.body) for response in responses] == [(200, b"{}")] * 3


async def test_each_piece_of_a_stream_and_its_end_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "perf_counter", itertools.count(1.0).__next__)
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with serving(head + b"2\r\na\n\r\n", b"2\r\nb\n\r\n", b"0\r\n\r\n") as url:
        (response,) = await call(url)
    assert response.body == b"a\nb\n"
    assert (response.arrivals, response.last) == ([1.0, 2.0], 3.0)


async def test_an_error_status_is_a_response() -> None:
    async with serving(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy") as url:
        (response,) = await call(url)
    assert (response.status, response.body) == (503, b"busy")


async def test_a_truncated_response_fails_the_call() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"") as url:
        with pytest.raises(BenchError, match="closed the connection"):
            await call(url)


async def test_a_response_that_is_not_http_fails_the_call() -> None:
    async with serving(b"SSH-2.0-OpenSSH\r\n") as url:
        with pytest.raises(BenchError, match="not HTTP"):
            await call(url)


def test_a_request_has_its_length_in_bytes_and_the_key() -> None:
    wire = lean.request("http://127.0.0.1:8000/generate", {"prompt": "é"}, "sk-key")
    head, _, body = wire.partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"POST /generate HTTP/1.1"
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Authorization: Bearer sk-key" in head
