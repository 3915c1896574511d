"""uvicorn's HTTP protocol with limits on clients, and with rules of HTTP that uvicorn does not follow.

uvicorn waits forever for a head that never ends, and httptools does not bound it; a middleware sees a request
only once its head is complete. Start with `uvicorn --http llm_api.server.limits:Protocol`.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from llm_api.server.connection import ON_DEPARTURE, TAKE_BODY
from llm_api.server.http10 import without_chunks
from llm_api.server.linger import LingeringTransport
from llm_api.server.upgrade import Parser

DISCARD: Any = deque(maxlen=0)  # a list that stays empty


class LargeHeadError(ValueError):
    """Stops the parser; uvicorn then responds with 400."""


class Protocol(HttpToolsProtocol):
    """Closes connections whose head is slow or too large, and those whose client stops reading.

    A client that is still sending when it gets its response may go on for a while: only then will it read.

    Attributes:
        head_seconds: Time for a complete head, from the start of the connection or the first byte.
        head_bytes: Largest head.
        stall_seconds: How long a client may leave a response unread.
        linger_seconds: How long to read on after the last response of a connection.
        linger_bytes: How much of a body to read on after its response.
        open_connections: Those of this process.
    """

    head_seconds: ClassVar[float] = 10
    head_bytes: ClassVar[int] = 32_768
    stall_seconds: ClassVar[float] = 60
    linger_seconds: ClassVar[float] = 10
    linger_bytes: ClassVar[int] = 64 * 2**20

    open_connections: ClassVar[set["Protocol"]] = set()

    transport: LingeringTransport  # type: ignore[assignment]
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _leave: Callable[[], object] | None = None
    _in_request = False
    _in_head = True
    _head_began = False
    # Bytes of the head in earlier reads. The current read may also hold the end of a body.
    _head_size = 0
    _read_bytes = 0
    _ignored_bytes = 0

    @property
    def last_path(self) -> str:
        """The path of its last request; empty before the first."""
        return self.cycle.scope["path"] if self.cycle else ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        lingering: Any = LingeringTransport(
            transport,
            lambda: self._in_request or bool(self.pipeline),
            seconds=self.linger_seconds,
            max_bytes=self.linger_bytes,
        )
        super().connection_made(lingering)
        self.parser = Parser(self, self._parse_without_offer)
        self._start_timer()
        self.open_connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.open_connections.discard(self)
        self.transport.closed()
        self._stop_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)
        if self._leave:
            self._leave()

    def data_received(self, data: bytes) -> None:
        """Count the bytes of an incomplete head; anything else after a response starts the timer."""
        if self.transport.lingers:
            self.transport.discard(len(data))
            return
        self._read_bytes, self._head_began = len(data), False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_size += 0 if self._head_began else len(data)
            if self._head_size > self.head_bytes:
                self.send_400_response("Request header fields are too large.")
            elif self._head_timer is None:
                self._start_timer()
        elif self.cycle.response_complete:
            self._ignore(len(data))

    def on_message_begin(self) -> None:
        """Start counting, for each request of a kept-alive connection."""
        super().on_message_begin()
        self._in_request, self._in_head, self._head_began = True, True, True
        self._head_size = self._ignored_bytes = 0

    def on_headers_complete(self) -> None:
        """Check the size of the complete head.

        Raises:
            LargeHeadError: It is over the limit.
        """
        self._in_head = False
        self._stop_timer()
        # Sum up the headers only if the head can be too large at all.
        if self._head_size + self._read_bytes > self.head_bytes:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.head_bytes:
                raise LargeHeadError
        super().on_headers_complete()
        # Trailers arrive as headers, without limit. The request keeps its list; this connection drops them.
        if not self._should_upgrade():
            self.headers = DISCARD

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_request = False

    def pause_writing(self) -> None:
        """Give the client a limited time to read: what it leaves unread stays in memory."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(self.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._stop_stall_timer()
        super().resume_writing()

    def take_body(self, scope: Scope) -> bytes | None:
        """Return the body of the newest request on this connection if it is complete (see connection.py)."""
        cycle = self.cycle
        if cycle.scope is not scope or cycle.more_body:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        cycle.message_event.clear()  # as `receive` would
        return body

    def on_departure(self, leave: Callable[[], object] | None) -> None:
        """Call this when the client leaves (see connection.py)."""
        self._leave = leave
        if leave:
            self.flow.resume_reading()  # which a large body has paused: the end would not be seen
            if self.transport.is_closing():
                leave()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGIApp) -> None:  # type: ignore[override]
        extensions = {TAKE_BODY: self.take_body, ON_DEPARTURE: self.on_departure}
        cycle.scope["extensions"] = extensions  # type: ignore[typeddict-item]
        if cycle.scope["http_version"] == "1.0":
            app = without_chunks(app, cycle)
        super()._start_asgi_task(cycle, app)  # type: ignore[arg-type]

    def _should_upgrade(self) -> bool:
        """Keep uvicorn from serving a request that makes an offer: it is parsed again without it."""
        return self.parser.should_upgrade() and any(name == b"upgrade" for name, _ in self.headers)

    def _parse_without_offer(self, rest: bytes) -> bool:
        """Parse the request that makes an offer again, with the rest of it; return False if none does."""
        if not self._should_upgrade():
            return False
        version = self.parser.get_http_version().encode()
        first = b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, version)
        lines = [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        self.parser = Parser(self, self._parse_without_offer)
        self.parser.feed_data(b"\r\n".join([first, *lines, b"", rest]))
        return True

    def _ignore(self, size: int) -> None:
        """Take note of a part of a body that came after its response."""
        self._ignored_bytes += size
        if self._ignored_bytes > self.linger_bytes:
            self.transport.close_now()
        elif self._head_timer is None:
            self._start_timer()

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(self.head_seconds, self._too_slow)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_stall_timer(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close_now()
