"""An httpx transport for plain HTTP/1.1: asyncio's connections, httptools' parser, a keep-alive pool.

It exists because the gateway has no CPU time to spare. CPU time per request in microseconds, without
httpx.AsyncClient (docs/performance.md):

    requests at once       1     16     64
    this transport       161     99     91
    httpx-aiohttp        287    170    171
    httpx's own          535  1,121  6,249

Generations go to its `send`, without httpx's requests and responses, which would take a twelfth of the CPU
time of a call. Any other transport of httpx can take its place
(https://www.python-httpx.org/advanced/transports/).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

import httpx

from llm_api.upstream.connection import Connection

Headers = Sequence[tuple[bytes, bytes]]


class RawResponse(NamedTuple):
    """A response whose head has arrived: what a generation needs of httpx's."""

    status: int
    headers: Headers
    stream: httpx.AsyncByteStream


class Send(Protocol):
    """Sends a request and returns the response as soon as its head has arrived.

    Raises:
        httpx.ConnectError: Nothing listens there, or the connection ended before the first byte.
        httpx.ConnectTimeout: There was no connection within `connect_seconds`.
        httpx.RemoteProtocolError: The head of the response is truncated, or not valid HTTP.
    """

    async def __call__(
        self, method: str, url: httpx.URL, headers: Headers, content: bytes, connect_seconds: float | None
    ) -> RawResponse: ...


def sending_by(transport: httpx.AsyncBaseTransport) -> Send:
    """Return how to send by any transport of httpx."""
    if isinstance(transport, Transport):
        return transport.send

    async def send(
        method: str, url: httpx.URL, headers: Headers, content: bytes, connect_seconds: float | None
    ) -> RawResponse:
        timeout = httpx.Timeout(None, connect=connect_seconds).as_dict()
        stream, extensions = httpx.ByteStream(content), {"timeout": timeout}
        request = httpx.Request(method, url, headers=headers, stream=stream, extensions=extensions)
        response = await transport.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - narrows the type
        return RawResponse(response.status_code, response.headers.raw, response.stream)

    return send


class Body(httpx.AsyncByteStream):
    """A response's body. Closing it early closes the connection, which tells the server to stop working."""

    def __init__(self, connection: Connection, idle: list[Connection]) -> None:
        self._connection, self._idle = connection, idle

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """Return the bytes that have arrived since the last call."""
        if chunk := await self._connection.chunk():
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Return the connection to the pool if it can be reused, else close it."""
        connection = self._connection
        if connection.reusable:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.transport.abort()


class Transport(httpx.AsyncBaseTransport):
    """Sends plain HTTP/1.1 requests, over connections that are reused for `keep_alive_seconds`.

    Of httpx's timeouts, only `connect` has an effect: the caller bounds the response.
    """

    def __init__(self, keep_alive_seconds: float) -> None:
        self._keep_alive = keep_alive_seconds
        self._idle: dict[tuple[str, int], list[Connection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request of httpx; it raises what `send` does."""
        seconds = request.extensions.get("timeout", {}).get("connect")
        content = await request.aread()
        response = await self.send(request.method, request.url, request.headers.raw, content, seconds)
        return httpx.Response(
            response.status, headers=response.headers, stream=response.stream, request=request
        )

    async def send(
        self, method: str, url: httpx.URL, headers: Headers, content: bytes, connect_seconds: float | None
    ) -> RawResponse:
        """Send a request; see `Send`."""
        origin = (url.host, url.port or 80)
        idle = self._idle[origin]
        connection = self._reuse(idle) or await _connect(origin, connect_seconds)
        lines = [b"%s %s HTTP/1.1" % (method.encode(), url.raw_path)]
        lines += [b"%s: %s" % header for header in headers]
        try:
            connection.send(b"\r\n".join([*lines, b"", content]))
            await connection.head()
        except BaseException:
            connection.transport.abort()
            raise
        return RawResponse(connection.status, connection.headers, Body(connection, idle))

    async def aclose(self) -> None:
        """Close the idle connections."""
        for connection in (one for idle in self._idle.values() for one in idle):
            connection.transport.abort()
        self._idle.clear()

    def _reuse(self, idle: list[Connection]) -> Connection | None:
        """Return the most recently used connection that is still good, closing those that are not."""
        oldest = asyncio.get_running_loop().time() - self._keep_alive
        while idle:
            connection = idle.pop()
            if connection.reusable and connection.idle_since >= oldest:
                return connection
            connection.transport.abort()
        return None


async def _connect(origin: tuple[str, int], seconds: float | None) -> Connection:
    try:
        async with asyncio.timeout(seconds):
            _, connection = await asyncio.get_running_loop().create_connection(Connection, *origin)
    except TimeoutError as error:
        raise httpx.ConnectTimeout(f"no connection within {seconds} s") from error
    except OSError as error:
        raise httpx.ConnectError(str(error)) from error
    return connection
