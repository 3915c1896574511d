"""An HTTP/1.1 client connection on an asyncio transport and httptools' parser."""

import asyncio
from typing import cast

import httptools
import httpx

# Bytes buffered for a slow client before reading from the server pauses.
HIGH_WATER_BYTES = 262_144


class Connection(asyncio.Protocol):
    """One connection, which carries one request at a time."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._lost = False
        self._parser = httptools.HttpResponseParser(self)
        self.complete = True  # no request is pending
        self.idle_since = 0.0

    def send(self, message: bytes) -> None:
        """Send a request; `head` and `chunk` wait for its response."""
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0
        self.complete = self._received = self._paused = False
        self._body = bytearray()
        self._error: Exception | None = None
        self.transport.write(message)

    async def head(self) -> None:
        """Wait for the status and the headers.

        Raises:
            httpx.ConnectError: The connection ended before the first byte.
            httpx.RemoteProtocolError: The connection ended later, or the response is not valid HTTP.
        """
        while not self.status:
            await self._progress()

    async def chunk(self) -> bytes:
        """Return the part of the body received since the last call, or nothing at its end.

        Raises:
            httpx.RemoteProtocolError: The body is truncated, or not valid HTTP.
        """
        while not self._body:
            if self.complete:
                return b""
            await self._progress()
        taken = bytes(self._body)
        self._body.clear()
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        return taken

    @property
    def reusable(self) -> bool:
        """Whether it can carry another request."""
        return self.complete and not self._lost and not self.transport.is_closing()

    async def _progress(self) -> None:
        if self._error:
            raise self._error
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def _delimited(self) -> bool:
        """Tell whether the headers say where the body ends."""
        return any(name.lower() in (b"content-length", b"transfer-encoding") for name, _ in self.headers)

    # ---- asyncio.Protocol ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse the data; unsolicited data ends the connection."""
        if self.complete:
            self.transport.abort()
            return
        self._received = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._error = httpx.RemoteProtocolError(f"invalid HTTP response: {error}")
            self.transport.abort()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """EOF completes a body of unknown length; otherwise the response was truncated."""
        self._lost = True
        if self.complete:
            return
        if self.status and not self._delimited() and exc is None:
            self.complete = True
        elif self._error is None:
            kind = httpx.RemoteProtocolError if self._received else httpx.ConnectError
            self._error = kind("the server closed the connection")
        self._wake()

    # ---- httptools' callbacks -----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Make the parser fail on a second response to one request."""
        if self.complete:
            raise ValueError("more than one response")

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the status, unless it is an interim one (1xx): another head follows."""
        status = self._parser.get_status_code()
        if status < 200:
            self.headers.clear()
            return
        self.status = status

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > HIGH_WATER_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True
            if not self._parser.should_keep_alive():
                self.transport.close()
