"""A connection to an HTTP/1.1 server: asyncio's transport, httptools' parser, one answer at a time."""

import asyncio
from typing import cast

import httptools
import httpx

# Read ahead of a slow client at most so many bytes.
HIGH_WATER_BYTES = 262_144


class Connection(asyncio.Protocol):
    """One connection, with one answer at a time."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._lost = False
        self.complete = True  # nothing is asked
        self.idle_since = 0.0

    def ask(self, message: bytes) -> None:
        """Send a request; the answer's parts are waited for with `head` and `chunk`."""
        self._parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[bytes, bytes]] = []
        self.status = 0
        self.complete = self._any = self._delimited = self._paused = False
        self._body = bytearray()
        self._error: Exception | None = None
        self.transport.write(message)

    async def head(self) -> None:
        """Wait for status and headers.

        Raises httpx.ConnectError where the connection ends without a byte, or httpx.RemoteProtocolError.
        """
        while not self.status:
            await self._progress()

    async def chunk(self) -> bytes:
        """Return what has come of the body since the last call; empty at its end.

        Raises httpx.RemoteProtocolError.
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
        """Whether another request may follow."""
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

    # ---- asyncio.Protocol ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Parse; what nobody asked for ends the connection."""
        if self.complete:
            self.transport.abort()
            return
        self._any = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._error = httpx.RemoteProtocolError(f"not HTTP: {error}")
            self.transport.abort()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """An answer without a length ends so; any other is cut off."""
        self._lost = True
        if self.complete:
            return
        if self.status and not self._delimited and exc is None:
            self.complete = True
        elif self._error is None:
            kind = httpx.RemoteProtocolError if self._any else httpx.ConnectError
            self._error = kind("the server ended the connection")
        self._wake()

    # ---- httptools ----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Stop the parser where more follows than the one answer."""
        if self.complete:
            raise ValueError("more than one answer")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The head is whole, unless it is an interim one (1xx), which another follows."""
        status = self._parser.get_status_code()
        if status < 200:
            self.headers.clear()
            return
        self.status = status
        names = {name.lower() for name, _ in self.headers}
        self._delimited = not names.isdisjoint((b"content-length", b"transfer-encoding"))

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body += body
        if len(self._body) > HIGH_WATER_BYTES and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self.status:
            self.complete = True
            if not self._parser.should_keep_alive():
                self.transport.close()
