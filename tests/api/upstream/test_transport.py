"""The transport of the gateway's calls, against servers that say any bytes and end at any point."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from llm_api.upstream import connection
from llm_api.upstream import transport as wire

Serve = Callable[..., Awaitable["Scripted"]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


class Scripted:
    """A server that answers the requests of each connection with its script, in order, then ends it."""

    def __init__(self, *script: bytes, ends: bool) -> None:
        self.script, self.ends = script, ends
        self.connections = self.gone = 0
        self.asked: list[bytes] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self.say(reader, writer)
        self.gone += 1

    async def say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for said in self.script:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((line for line in head.lower().split(b"\r\n") if b"content-length" in line), b": 0")
            self.asked.append(head + await reader.readexactly(int(length.rpartition(b":")[2])))
            writer.write(said)
            await writer.drain()
        if not self.ends:
            await reader.read()


@pytest.fixture
async def scripted() -> AsyncIterator[Serve]:
    async with contextlib.AsyncExitStack() as stack:

        async def start(*script: bytes, ends: bool = True) -> Scripted:
            scripted = Scripted(*script, ends=ends)
            server = await asyncio.start_server(scripted.handle, "127.0.0.1", 0)
            stack.push_async_callback(scripted.stop)
            stack.callback(server.close)
            scripted.port = server.sockets[0].getsockname()[1]
            return scripted

        yield start


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=wire.Transport(keep_alive_seconds=60)) as client:
        yield client


async def ask(http: httpx.AsyncClient, server: Scripted, content: bytes = b"") -> httpx.Response:
    return await http.post(f"http://127.0.0.1:{server.port}/a?b=c", content=content, headers={"x": "y"})


async def test_a_request_goes_out_as_it_is(http: httpx.AsyncClient, scripted: Serve) -> None:
    server = await scripted(OK)
    assert (await ask(http, server, b"body")).text == "ok"
    head, _, body = server.asked[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert (b"x: y" in head.split(b"\r\n"), body) == (True, b"body")


async def test_a_connection_serves_the_next_request_too(http: httpx.AsyncClient, scripted: Serve) -> None:
    server = await scripted(OK, OK)
    assert [(await ask(http, server)).text for _ in range(2)] == ["ok", "ok"]
    assert server.connections == 1


async def test_a_connection_that_is_older_than_its_keep_alive_is_not_used(scripted: Serve) -> None:
    server = await scripted(OK, OK, ends=False)
    async with httpx.AsyncClient(transport=wire.Transport(keep_alive_seconds=-1)) as http:
        assert [(await ask(http, server)).text for _ in range(2)] == ["ok", "ok"]
    assert server.connections == 2


async def test_a_server_that_wants_to_close_gets_no_second_request(
    http: httpx.AsyncClient, scripted: Serve
) -> None:
    server = await scripted(OK.replace(b"OK\r\n", b"OK\r\nconnection: close\r\n"), ends=False)
    assert [(await ask(http, server)).text for _ in range(2)] == ["ok", "ok"]
    assert server.connections == 2


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "abc"),
        (b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 100 Continue\r\nx: y\r\n\r\n" + OK, "ok"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", ""),
    ],
    ids=["chunked", "until the end of the connection", "after an interim answer", "empty"],
)
async def test_a_body_is_read_to_its_end(
    http: httpx.AsyncClient, scripted: Serve, said: bytes, text: str
) -> None:
    answer = await ask(http, await scripted(said))
    assert (answer.text, "x" in answer.headers) == (text, False)


@pytest.mark.parametrize(
    "said", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", OK[:-1]]
)
async def test_what_is_no_whole_answer_is_a_protocol_error(
    http: httpx.AsyncClient, scripted: Serve, said: bytes
) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(http, await scripted(said))


async def test_a_stream_gives_what_came_before_it_broke(http: httpx.AsyncClient, scripted: Serve) -> None:
    server = await scripted(CHUNKED + b"2\r\nab\r\n")
    async with http.stream("POST", f"http://127.0.0.1:{server.port}/") as answer:
        chunks = answer.aiter_bytes()
        assert await anext(chunks) == b"ab"
        with pytest.raises(httpx.RemoteProtocolError):
            await anext(chunks)


async def test_an_end_without_a_byte_is_a_connection_error(http: httpx.AsyncClient, scripted: Serve) -> None:
    with pytest.raises(httpx.ConnectError):
        await ask(http, await scripted(b""))


async def test_nobody_there_is_a_connection_error(http: httpx.AsyncClient, scripted: Serve) -> None:
    gone = await scripted(OK)
    gone.port = 9
    with pytest.raises(httpx.ConnectError):
        await ask(http, gone)


async def test_leaving_a_stream_ends_its_connection(http: httpx.AsyncClient, scripted: Serve) -> None:
    server = await scripted(CHUNKED + b"2\r\nab\r\n", ends=False)
    async with http.stream("POST", f"http://127.0.0.1:{server.port}/"):
        assert server.gone == 0
    while server.gone == 0:
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("more", [OK, b"?"])
async def test_what_nobody_asked_for_ends_a_kept_connection(
    http: httpx.AsyncClient, scripted: Serve, more: bytes
) -> None:
    server = await scripted(OK + more, ends=False)
    assert (await ask(http, server)).text == "ok"
    while server.gone == 0:
        await asyncio.sleep(0.005)
    assert (await ask(http, server)).text == "ok"
    assert server.connections == 2


async def test_a_slow_reader_holds_a_fast_server_back(http: httpx.AsyncClient, scripted: Serve) -> None:
    size = 64 * connection.HIGH_WATER_BYTES
    said = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size + bytes(size)
    server = await scripted(said, ends=False)
    async with http.stream("POST", f"http://127.0.0.1:{server.port}/") as answer:
        taken = [len(chunk) async for chunk in answer.stream if not await asyncio.sleep(0)]  # type: ignore[union-attr,func-returns-value]
    assert (sum(taken), max(taken) < size // 4) == (size, True)
