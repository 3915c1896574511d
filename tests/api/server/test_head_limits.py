"""The head of a request is limited in time and in bytes; all else is as in uvicorn."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from llm_api.server.limits import Protocol

from tests.api.support.live import Serve
from tests.api.support.sockets import connected
from tests.waiting import until

HEALTH = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
ALIVE = b'{"status":"ok"}'
CHUNKED = "GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Shortens the time for a head when it is called: after the requests that have to succeed."""
    return lambda: monkeypatch.setattr(Protocol, "head_seconds", 0.1)


@pytest.mark.parametrize("head", ["", "G", "\r\n", "GET /health HTTP/1.1\r\nHost: x\r\nX: "])
async def test_a_head_that_does_not_end_is_cut_off(
    serve: Serve, short_limit: Callable[[], None], head: str
) -> None:
    short_limit()
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send(head)
        assert await connection.rest() == b""


async def test_a_head_that_trickles_is_cut_off(serve: Serve, short_limit: Callable[[], None]) -> None:
    short_limit()
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send("GET /health HTTP/1.1\r\n")
        await connection.send_until_closed("X: x\r\n", pause=0.01)
        assert not live.server.server_state.tasks


@pytest.mark.parametrize("more", ["G", "\r\n", "GET /health HTTP/1.1\r\nHost: x\r\n"])
async def test_the_next_head_of_a_kept_connection_is_cut_off_too(
    serve: Serve, short_limit: Callable[[], None], more: str
) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send(HEALTH)
        assert (await connection.response())[2] == ALIVE
        short_limit()
        await connection.send(more)
        assert await connection.rest() == b""


@pytest.mark.parametrize(
    ("head", "more"),
    [
        ("GET /health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", "x"),
        (CHUNKED, "1\r\nx\r\n"),
        (CHUNKED + "1;", "x"),
        (CHUNKED + "0\r\n", "Trailer: x\r\n"),
    ],
    ids=["body", "chunks", "extension", "trailers"],
)
async def test_a_body_that_the_route_ignores_does_not_keep_the_connection_open(
    serve: Serve, short_limit: Callable[[], None], head: str, more: str
) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send(head)
        assert (await connection.response())[2] == ALIVE
        short_limit()
        await connection.send_until_closed(more, pause=0.01)


async def test_trailers_do_not_accumulate(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    trailers = 0

    class Counting(Protocol):
        def on_header(self, name: bytes, value: bytes) -> None:
            nonlocal trailers
            super().on_header(name, value)
            trailers += name.lower() == b"trailer"

    monkeypatch.setattr("tests.api.support.live.Protocol", Counting)
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send(CHUNKED)
        await connection.response()
        protocols: list[Any] = list(live.server.server_state.connections)
        await connection.send("0\r\n" + "Trailer: x\r\n" * 1000)
        await until("the trailers to be parsed", lambda: trailers, lambda count: count >= 999)
        assert all(len(one.headers) < 100 for one in protocols)


@pytest.mark.parametrize("size", [Protocol.head_bytes, 10 * Protocol.head_bytes])
async def test_a_head_that_is_too_large_is_refused_whole_or_in_pieces(serve: Serve, size: int) -> None:
    live = await serve()
    head = f"GET /health HTTP/1.1\r\nHost: x\r\nX: {'x' * size}\r\n\r\n"
    half = len(head) // 2
    for pieces in ([head], [head[:half], head[half:]], [f"GET /{'x' * size} HTTP/1.1\r\n\r\n"]):
        async with connected(live.url) as connection:
            for piece in pieces:
                await connection.send(piece)
            assert (await connection.rest()).startswith(b"HTTP/1.1 400 ")
    assert not live.server.server_state.tasks


async def test_a_head_without_an_end_is_cut_off_at_its_size_limit(serve: Serve) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send("GET /health HTTP/1.1\r\n")
        await connection.send_until_closed("X: " + "x" * 8000 + "\r\n", pause=0)
    assert not live.server.server_state.tasks


async def test_a_head_below_the_limit_may_arrive_in_pieces(serve: Serve) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send("GET /health HTTP/1.1\r\n")
        for _ in range(30):
            await connection.send("X: " + "x" * 900 + "\r\n")
            await asyncio.sleep(0)
        await connection.send("\r\n")
        assert (await connection.response())[2] == ALIVE


async def test_kept_connections_and_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        for _ in range(3):
            await connection.send(HEALTH)
            assert (await connection.response())[2] == ALIVE
        await connection.send(HEALTH + "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" + HEALTH)
        assert [(await connection.response())[0] for _ in range(3)] == [200, 404, 200]


async def test_a_head_may_arrive_together_with_a_large_body_before_it(serve: Serve) -> None:
    live = await serve()
    body = "x" * 4 * Protocol.head_bytes
    async with connected(live.url) as connection:
        post = f"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        await connection.send(post + body + HEALTH[:10])
        assert (await connection.response())[0] == 404
        await connection.send(HEALTH[10:])
        assert (await connection.response())[2] == ALIVE


async def test_two_hundred_slow_clients_do_not_delay_others(serve: Serve) -> None:
    live = await serve()
    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(connected(live.url)) for _ in range(200)]
        for number, connection in enumerate(slow):
            await connection.send(
                "GET /health HTTP/1.1\r\nX: "
                if number % 2
                else "POST /generate HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"
            )
        answers = [await live.http.get("/health") for _ in range(50)]
        assert [response.status_code for response in answers] == [200] * 50
        assert len(live.server.server_state.connections) > 100
        assert live.metric("llm_requests_running") == 0


async def test_a_client_that_does_not_read_is_cut_off(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Protocol, "stall_seconds", 0.1)
    live = await serve(behavior={"tokens": 10**7}, max_output_tokens=10**7)
    # Accepted connections inherit it; by default the kernel would buffer megabytes.
    live.server.servers[0].sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    body = '{"prompt": "x", "stream": true}'
    async with connected(live.url) as connection:
        await connection.send(
            f"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        await live.simulator_reaches(running=1)
        await live.simulator_reaches(running=0, cancelled=1)
    tasks = live.server.server_state.tasks
    await until("the request to end", lambda: list(tasks), lambda running: not running)
    assert live.metric("llm_requests_running") == 0
