"""HTTP/1.1 under httpx at little cost: asyncio's connections, httptools' parser, connections that are kept.

A transport of httpx (https://www.python-httpx.org/advanced/transports/) for plain HTTP; docs/performance.md
has what httpx's own and aiohttp's cost beside it.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator

import httpx

from llm_api.upstream.connection import Connection


class Body(httpx.AsyncByteStream):
    """The body of an answer; closing it early ends the connection, and with it the server's work."""

    def __init__(self, connection: Connection, idle: list[Connection]) -> None:
        self._connection, self._idle = connection, idle

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes as they come."""
        while chunk := await self._connection.chunk():
            yield chunk

    async def aclose(self) -> None:
        """Keep the connection for the next request, where that may be."""
        connection = self._connection
        if connection.reusable:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.transport.abort()


class Transport(httpx.AsyncBaseTransport):
    """Plain HTTP/1.1. Of httpx's timeouts only `connect` counts: the caller bounds the answer."""

    def __init__(self, keep_alive_seconds: float) -> None:
        self._keep_alive = keep_alive_seconds
        self._idle: dict[tuple[str, int], list[Connection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request. Raises httpx.ConnectError, ConnectTimeout or RemoteProtocolError."""
        origin = (request.url.host, request.url.port or 80)
        idle = self._idle[origin]
        limit = request.extensions.get("timeout", {}).get("connect")
        connection = self._kept(idle) or await _connect(origin, limit)
        lines = [b"%s %s HTTP/1.1" % (request.method.encode(), request.url.raw_path)]
        lines += [b"%s: %s" % header for header in request.headers.raw]
        try:
            connection.ask(b"\r\n".join([*lines, b"", request.content]))
            await connection.head()
        except BaseException:
            connection.transport.abort()
            raise
        stream = Body(connection, idle)
        return httpx.Response(connection.status, headers=connection.headers, stream=stream, request=request)

    async def aclose(self) -> None:
        """Close the kept connections."""
        for connection in (one for idle in self._idle.values() for one in idle):
            connection.transport.abort()
        self._idle.clear()

    def _kept(self, idle: list[Connection]) -> Connection | None:
        """Return the connection that was used last, if it may still be; forget the ones before it."""
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
