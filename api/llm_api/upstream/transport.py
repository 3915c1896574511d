"""An httpx transport for plain HTTP/1.1: asyncio's connections, httptools' parser, a keep-alive pool.

It exists because the gateway has no CPU time to spare: its goal of half of the direct requests per second for
16 clients is met with 0.51 to 0.54. CPU time per request in microseconds, without httpx.AsyncClient
(docs/performance.md):

    requests at once       1     16     64
    this transport       161     99     91
    httpx-aiohttp        287    170    171
    httpx's own          535  1,121  6,249

The gateway depends on httpx's interface only (https://www.python-httpx.org/advanced/transports/), so another
transport can replace this one as soon as it is fast enough.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import httpx

from llm_api.upstream.connection import Connection


class Body(httpx.AsyncByteStream):
    """A response's body. Closing it early closes the connection, which tells the server to stop working."""

    def __init__(self, connection: Connection, idle: list[Connection]) -> None:
        self._connection, self._idle = connection, idle

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes as they arrive."""
        while chunk := await self._connection.chunk():
            yield chunk

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
        """Send a request and return its response as soon as the headers have arrived.

        Raises:
            httpx.ConnectError: Nothing listens there, or the connection ended before the first byte.
            httpx.ConnectTimeout: There was no connection within the request's `connect` timeout.
            httpx.RemoteProtocolError: The head of the response is truncated, or not valid HTTP.
        """
        origin = (request.url.host, request.url.port or 80)
        idle = self._idle[origin]
        timeout = request.extensions.get("timeout", {}).get("connect")
        connection = self._reuse(idle) or await _connect(origin, timeout)
        lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
        lines += [b"%s: %s" % header for header in request.headers.raw]
        try:
            connection.send(b"\r\n".join([*lines, b"", await request.aread()]))
            await connection.head()
        except BaseException:
            connection.transport.abort()
            raise
        stream = Body(connection, idle)
        return httpx.Response(connection.status, headers=connection.headers, stream=stream, request=request)

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
