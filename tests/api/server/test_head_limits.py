"""The head of a request has a limit in time and in bytes; everything else goes on as with uvicorn."""

import asyncio
import socket
from contextlib import AsyncExitStack
from typing import Any

import pytest
from llm_api.server.limits import Protocol

from tests.api.conftest import Serve, until
from tests.api.support.sockets import dial

HEALTH = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
ALIVE = b'{"status":"ok"}'
CHUNKED = "GET /health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Protocol, "head_seconds", 0.1)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("head", ["", "G", "\r\n", "GET /health HTTP/1.1\r\nHost: x\r\nX: "])
async def test_a_head_that_does_not_end_is_cut(serve: Serve, head: str) -> None:
    live = await serve()
    async with dial(live.url) as wire:
        await wire.send(head)
        assert await wire.rest() == b""


@pytest.mark.usefixtures("hurried")
async def test_a_head_that_trickles_is_cut(serve: Serve) -> None:
    live = await serve()
    async with dial(live.url) as wire:
        await wire.send("GET /health HTTP/1.1\r\n")
        await wire.send_until_cut("X: x\r\n", pause=0.01)
        assert not live.server.server_state.tasks


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("more", ["G", "\r\n", "GET /health HTTP/1.1\r\nHost: x\r\n"])
async def test_the_next_head_of_a_kept_connection_is_cut_as_well(serve: Serve, more: str) -> None:
    live = await serve()
    async with dial(live.url) as wire:
        await wire.send(HEALTH)
        assert (await wire.answer())[2] == ALIVE
        await wire.send(more)
        assert await wire.rest() == b""


@pytest.mark.usefixtures("hurried")
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
async def test_a_body_that_nobody_reads_does_not_hold_the_connection(
    serve: Serve, head: str, more: str
) -> None:
    live = await serve()
    async with dial(live.url) as wire:
        await wire.send(head)
        assert (await wire.answer())[2] == ALIVE
        await wire.send_until_cut(more, pause=0.01)


async def test_trailers_do_not_pile_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    trailers = 0

    class Counting(Protocol):
        def on_header(self, name: bytes, value: bytes) -> None:
            nonlocal trailers
            super().on_header(name, value)
            trailers += name.lower() == b"trailer"

    monkeypatch.setattr("tests.api.conftest.Protocol", Counting)
    live = await serve()
    async with dial(live.url) as wire:
        await wire.send(CHUNKED)
        await wire.answer()
        protocols: list[Any] = list(live.server.server_state.connections)
        await wire.send("0\r\n" + "Trailer: x\r\n" * 1000)
        await until(lambda: trailers >= 999)
        assert all(len(one.headers) < 100 for one in protocols)


@pytest.mark.parametrize("size", [Protocol.head_bytes, 10 * Protocol.head_bytes])
async def test_a_large_head_is_refused_whole_or_in_pieces(serve: Serve, size: int) -> None:
    live = await serve()
    head = f"GET /health HTTP/1.1\r\nHost: x\r\nX: {'x' * size}\r\n\r\n"
    half = len(head) // 2
    for pieces in ([head], [head[:half], head[half:]], [f"GET /{'x' * size} HTTP/1.1\r\n\r\n"]):
        async with dial(live.url) as wire:
            for piece in pieces:
                await wire.send(piece)
            # The refusal gets lost where the connection ends before all was read.
            assert (await wire.rest()).startswith(b"HTTP/1.1 400 ") or size > Protocol.head_bytes
    assert not live.server.server_state.tasks


async def test_a_head_without_an_end_is_cut_by_its_size(serve: Serve) -> None:
    live = await serve()
    async with dial(live.url) as wire:
        await wire.send("GET /health HTTP/1.1\r\n")
        await wire.send_until_cut("X: " + "x" * 8000 + "\r\n", pause=0)
    assert not live.server.server_state.tasks


async def test_a_head_below_the_limit_is_served_in_pieces(serve: Serve) -> None:
    live = await serve()
    async with dial(live.url) as wire:
        await wire.send("GET /health HTTP/1.1\r\n")
        for _ in range(30):
            await wire.send("X: " + "x" * 900 + "\r\n")
            await asyncio.sleep(0)
        await wire.send("\r\n")
        assert (await wire.answer())[2] == ALIVE


async def test_kept_connections_and_pipelined_requests_are_served_in_order(serve: Serve) -> None:
    live = await serve()
    async with dial(live.url) as wire:
        for _ in range(3):
            await wire.send(HEALTH)
            assert (await wire.answer())[2] == ALIVE
        await wire.send(HEALTH + "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n" + HEALTH)
        assert [(await wire.answer())[0] for _ in range(3)] == [200, 404, 200]


async def test_a_head_may_follow_a_large_body_in_the_same_read(serve: Serve) -> None:
    live = await serve()
    body = "x" * 4 * Protocol.head_bytes
    async with dial(live.url) as wire:
        post = f"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        await wire.send(post + body + HEALTH[:10])
        assert (await wire.answer())[0] == 404
        await wire.send(HEALTH[10:])
        assert (await wire.answer())[2] == ALIVE


async def test_two_hundred_slow_clients_do_not_keep_others_from_an_answer(serve: Serve) -> None:
    live = await serve()
    async with AsyncExitStack() as stack:
        slow = [await stack.enter_async_context(dial(live.url)) for _ in range(200)]
        for number, wire in enumerate(slow):
            await wire.send(
                "GET /health HTTP/1.1\r\nX: "
                if number % 2
                else "POST /generate HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"
            )
        answers = [await live.http.get("/health") for _ in range(50)]
        assert [answer.status_code for answer in answers] == [200] * 50
        assert len(live.server.server_state.connections) > 100
        assert live.metric("llm_requests_running") == 0


async def test_an_offer_to_upgrade_is_passed_over(serve: Serve) -> None:
    live = await serve()
    for offer in ("h2c", "websocket"):
        async with dial(live.url) as wire:
            await wire.send(
                HEALTH.replace("\r\n\r\n", f"\r\nConnection: Upgrade\r\nUpgrade: {offer}\r\n\r\n")
            )
            assert (await wire.answer())[2] == ALIVE


async def test_a_client_that_does_not_read_is_cut(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Protocol, "stall_seconds", 0.1)
    live = await serve(behavior={"tokens": 10**7}, max_output_tokens=10**7)
    # Accepted connections inherit it; the kernel would take megabytes.
    live.server.servers[0].sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    body = '{"prompt": "x", "stream": true}'
    async with dial(live.url) as wire:
        await wire.send(f"POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        await live.simulator_reaches(running=1)
        await live.simulator_reaches(running=0, cancelled=1)
    await until(lambda: not live.server.server_state.tasks)
    assert live.metric("llm_requests_running") == 0
