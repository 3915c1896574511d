"""The transport to the runtime, with servers that send any bytes and close at any point."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from llm_api.upstream.connection import HIGH_WATER_BYTES
from llm_api.upstream.transport import Transport

from tests.api.support.scripted import ScriptedServer
from tests.processes import free_port
from tests.waiting import within

Start = Callable[..., Awaitable["ScriptedServer"]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with contextlib.AsyncExitStack() as stack:

        async def start_server(*script: bytes, ends: bool = True) -> ScriptedServer:
            server = ScriptedServer(*script, ends=ends)
            listener = await asyncio.start_server(server.handle, "127.0.0.1", 0)
            stack.push_async_callback(server.stop)
            stack.callback(listener.close)
            server.port = listener.sockets[0].getsockname()[1]
            return server

        yield start_server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=Transport(keep_alive_seconds=60)) as client:
        yield client


async def send(http: httpx.AsyncClient, server: ScriptedServer, content: bytes = b"") -> httpx.Response:
    request = http.post(f"http://127.0.0.1:{server.port}/a?b=c", content=content, headers={"x": "y"})
    return await within("a response", request)


@contextlib.asynccontextmanager
async def stream(http: httpx.AsyncClient, server: ScriptedServer) -> AsyncIterator[httpx.Response]:
    async with contextlib.AsyncExitStack() as stack:
        opening = stack.enter_async_context(http.stream("POST", f"http://127.0.0.1:{server.port}/"))
        yield await within("the head of a response", opening)


async def test_a_request_is_sent_unchanged(http: httpx.AsyncClient, start: Start) -> None:
    server = await start(OK)
    assert (await send(http, server, b"body")).text == "ok"
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert (b"x: y" in head.split(b"\r\n"), body) == (True, b"body")


async def test_a_connection_is_reused_for_the_next_request(http: httpx.AsyncClient, start: Start) -> None:
    server = await start(OK, OK)
    assert [(await send(http, server)).text for _ in range(2)] == ["ok", "ok"]
    assert server.connections == 1


async def test_a_connection_idle_for_longer_than_its_keep_alive_is_not_reused(start: Start) -> None:
    server = await start(OK, OK, ends=False)
    async with httpx.AsyncClient(transport=Transport(keep_alive_seconds=-1)) as http:
        assert [(await send(http, server)).text for _ in range(2)] == ["ok", "ok"]
    assert server.connections == 2


async def test_a_connection_that_the_server_will_close_is_not_reused(
    http: httpx.AsyncClient, start: Start
) -> None:
    server = await start(OK.replace(b"OK\r\n", b"OK\r\nconnection: close\r\n"), ends=False)
    assert [(await send(http, server)).text for _ in range(2)] == ["ok", "ok"]
    assert server.connections == 2


@pytest.mark.parametrize(
    ("received", "text"),
    [
        (CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n" + OK, "ok"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
    ],
    ids=["chunked", "until the end of the connection", "after an interim response", "empty"],
)
async def test_a_body_is_read_to_its_end(
    http: httpx.AsyncClient, start: Start, received: bytes, text: str
) -> None:
    response = await send(http, await start(received))
    assert (response.text, "x" in response.headers) == (text, False)


@pytest.mark.parametrize(
    "received", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", OK[:-1]]
)
async def test_an_invalid_or_truncated_response_is_a_protocol_error(
    http: httpx.AsyncClient, start: Start, received: bytes
) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await send(http, await start(received))


async def test_a_stream_yields_what_arrived_before_it_broke(http: httpx.AsyncClient, start: Start) -> None:
    server = await start(CHUNKED + b"2\r\nab\r\n")
    async with stream(http, server) as response:
        chunks = response.aiter_bytes()
        assert await within("a chunk", anext(chunks)) == b"ab"
        with pytest.raises(httpx.RemoteProtocolError):
            await within("the end of the connection", anext(chunks))


async def test_a_connection_closed_without_a_byte_is_a_connection_error(
    http: httpx.AsyncClient, start: Start
) -> None:
    with pytest.raises(httpx.ConnectError):
        await send(http, await start(b""))


async def test_a_port_where_nothing_listens_is_a_connection_error(
    http: httpx.AsyncClient, start: Start
) -> None:
    server = await start(OK)
    server.port = free_port()
    with pytest.raises(httpx.ConnectError):
        await send(http, server)


async def test_leaving_a_stream_closes_its_connection(http: httpx.AsyncClient, start: Start) -> None:
    server = await start(CHUNKED + b"2\r\nab\r\n", ends=False)
    async with stream(http, server):
        assert server.closed == 0
    await server.closes()


@pytest.mark.parametrize("more", [OK, b"?"])
async def test_unsolicited_data_closes_a_kept_connection(
    http: httpx.AsyncClient, start: Start, more: bytes
) -> None:
    server = await start(OK + more, ends=False)
    assert (await send(http, server)).text == "ok"
    await server.closes()
    assert (await send(http, server)).text == "ok"
    assert server.connections == 2


async def test_a_slow_reader_slows_down_a_fast_server(http: httpx.AsyncClient, start: Start) -> None:
    size = 64 * HIGH_WATER_BYTES
    server = await start(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + bytes(size), ends=False)
    lengths: list[int] = []

    async def read_slowly(response: httpx.Response) -> None:
        async for chunk in response.aiter_raw():
            lengths.append(len(chunk))
            await asyncio.sleep(0)

    async with stream(http, server) as response:
        await within("the whole body", read_slowly(response), saw=lambda: f"{sum(lengths)} of {size} bytes")
    assert (sum(lengths), max(lengths) < size // 4) == (size, True)
