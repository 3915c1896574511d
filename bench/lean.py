"""A client that costs little: HTTP/1.1 over an asyncio protocol, one request at a time on each connection.

It shares the runtime's core, so what it costs is taken from the direct rate: httpx costs more than
the simulated runtime itself, and would hide what the gateway costs.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

from bench import BenchError

LONGEST_SILENCE = 60.0  # seconds


@dataclass(frozen=True)
class Answer:
    """An answer, and the moments of its first and last byte of body (time.perf_counter)."""

    status: int
    body: bytes
    first: float
    last: float


def request(url: str, body: dict[str, Any], key: str = "") -> bytes:
    """The whole POST as it goes over the wire."""
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
        self._answer: asyncio.Future[Answer] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    async def call(self, wire: bytes) -> Answer:
        """Send a request and wait for its whole answer.

        Raises:
            BenchError: the connection ended before.
            TimeoutError: no answer within LONGEST_SILENCE seconds.
        """
        loop = asyncio.get_running_loop()
        self._answer = loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._pieces: list[bytes] = []
        self._first = 0.0
        if self._transport is None or self._transport.is_closing():
            raise BenchError("the server has closed the connection")
        self._transport.write(wire)
        # A timer for each call costs less than asyncio.timeout, which cancels.
        alarm = loop.call_later(LONGEST_SILENCE, self._fail, TimeoutError("no answer in time"))
        try:
            return await self._answer
        finally:
            alarm.cancel()

    def data_received(self, data: bytes) -> None:
        """Feed the parser, which calls back."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(BenchError(f"no HTTP: {error}"))

    def connection_lost(self, error: Exception | None) -> None:
        """Fail the call that waits."""
        self._fail(error or BenchError("the server has closed the connection"))

    def close(self) -> None:
        """End the connection."""
        if self._transport:
            self._transport.close()

    def on_body(self, piece: bytes) -> None:
        """Collect, and note when the first came."""
        if not self._pieces:
            self._first = time.perf_counter()
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Hand the answer over."""
        if self._answer and not self._answer.done():
            status, body = self._parser.get_status_code(), b"".join(self._pieces)
            self._answer.set_result(Answer(status, body, self._first, time.perf_counter()))

    def _fail(self, error: Exception) -> None:
        if self._answer and not self._answer.done():
            self._answer.set_exception(error)


async def connect(url: str) -> Connection:
    """A connection to the host of a URL."""
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, address.hostname or "", address.port or 80)
    return connection
