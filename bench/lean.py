"""A cheap HTTP/1.1 client: an asyncio protocol and httptools' parser, one request at a time per connection.

The client shares a core with the runtime, so its own cost lowers the direct rate: httpx costs more than the
simulated runtime itself, and would hide what the gateway costs.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

from bench import BenchError

TIMEOUT = 300.0  # seconds for a call


@dataclass(frozen=True)
class Response:
    """A response, when each piece of its body arrived, and when it was complete (time.perf_counter)."""

    status: int
    body: bytes
    arrivals: list[float]
    last: float


def request(url: str, body: dict[str, Any], key: str = "") -> bytes:
    """Return a POST request as the bytes to send."""
    address = urlsplit(url)
    content = json.dumps(body).encode()
    lines = [
        f"POST {address.path} HTTP/1.1",
        f"Host: {address.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        *([f"Authorization: Bearer {key}"] if key else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


class Connection(asyncio.Protocol):
    """One connection. The methods named on_... are httptools' callbacks."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._response: asyncio.Future[Response] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    async def call(self, request: bytes) -> Response:
        """Send a request and wait for its complete response.

        Raises:
            BenchError: the connection was closed before.
            TimeoutError: no complete response within TIMEOUT seconds.
        """
        loop = asyncio.get_running_loop()
        self._response = loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._arrivals: list[float] = []
        if self._transport is None or self._transport.is_closing():
            raise BenchError("the server has closed the connection")
        self._transport.write(request)
        # Cheaper than asyncio.timeout, which has to be able to cancel.
        timer = loop.call_later(TIMEOUT, self._fail, TimeoutError(f"no response within {TIMEOUT:g} s"))
        try:
            return await self._response
        finally:
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(BenchError(f"the response is not HTTP: {error}"))

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(error or BenchError("the server has closed the connection"))

    def close(self) -> None:
        if self._transport:
            self._transport.close()

    def on_body(self, piece: bytes) -> None:
        self._arrivals.append(time.perf_counter())
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        if self._response and not self._response.done():
            status, body = self._parser.get_status_code(), b"".join(self._pieces)
            self._response.set_result(Response(status, body, self._arrivals, time.perf_counter()))

    def _fail(self, error: Exception) -> None:
        if self._response and not self._response.done():
            self._response.set_exception(error)


async def connect(url: str) -> Connection:
    """Open a connection to the URL's host."""
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, address.hostname or "", address.port or 80)
    return connection
