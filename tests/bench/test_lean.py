"""The lean client reads answers of either length coding, and tells of those that break off."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from bench import BenchError, lean

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(*pieces: bytes) -> AsyncIterator[str]:
    """A server that answers each request with these pieces; an empty one ends the connection."""

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
        await ended.wait()


async def call(url: str, times: int = 1) -> list[lean.Answer]:
    connection = await lean.connect(url)
    try:
        return [await connection.call(lean.request(url, {"stream": True})) for _ in range(times)]
    finally:
        connection.close()


async def test_one_connection_serves_call_after_call() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"{}") as url:
        answers = await call(url, times=3)
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"{}")] * 3


async def test_the_first_piece_of_a_stream_has_a_moment_of_its_own() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with answering(head + b"2\r\na\n\r\n", b"2\r\nb\n\r\n", b"0\r\n\r\n") as url:
        (answer,) = await call(url)
    assert answer.body == b"a\nb\n"
    assert answer.last - answer.first >= 0.005


async def test_a_refusal_is_an_answer() -> None:
    async with answering(b"HTTP/1.1 503 Busy\r\ncontent-length: 4\r\n\r\nbusy") as url:
        (answer,) = await call(url)
    assert (answer.status, answer.body) == (503, b"busy")


async def test_an_answer_that_breaks_off_fails_the_call() -> None:
    async with answering(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"") as url:
        with pytest.raises(BenchError, match="closed the connection"):
            await call(url)


async def test_what_is_no_http_fails_the_call() -> None:
    async with answering(b"SSH-2.0-OpenSSH\r\n") as url:
        with pytest.raises(BenchError, match="no HTTP"):
            await call(url)


def test_a_request_carries_its_length_and_the_key_that_is_wanted() -> None:
    wire = lean.request("http://127.0.0.1:8000/generate", {"prompt": "é"}, "sk-key")
    head, _, body = wire.partition(b"\r\n\r\n")
    assert head.splitlines()[0] == b"POST /generate HTTP/1.1"
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"Authorization: Bearer sk-key" in head
