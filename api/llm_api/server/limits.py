"""uvicorn's HTTP protocol with a limit on the head of a request, in time and in bytes.

uvicorn waits for ever for a head that never ends, and httptools bounds none; a middleware sees a request
only when its head is whole. For `uvicorn --http llm_api.protocol:Protocol`.
"""

import asyncio
from collections import deque
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

NONE: Any = deque(maxlen=0)  # takes whatever is appended, and forgets it


class LargeHeadError(ValueError):
    """Makes the parser give up, which is answered with 400."""


class Protocol(HttpToolsProtocol):
    """Ends connections whose head is slow or large, that go on after their answer, or that nobody reads."""

    head_seconds: ClassVar[float] = 10
    head_bytes: ClassVar[int] = 32_768
    stall_seconds: ClassVar[float] = 60

    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _in_head = True
    _began = False
    # Of the head: how much came before this read. A read may hold the end of a body, too.
    _head_size = 0
    _read = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first head its time."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._stop_timer()
        self._stop_stall_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of a head that is not whole yet; what else comes after an answer has its time."""
        self._read, self._began = len(data), False
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head:
            self._head_size += 0 if self._began else len(data)
            if self._head_size > self.head_bytes:
                self.send_400_response("Request header fields are too large.")
        elif self._head_timer is None and self.cycle.response_complete:
            self._start_timer()

    def on_message_begin(self) -> None:
        """A head begins: the next one of a kept connection, too."""
        super().on_message_begin()
        self._in_head, self._began, self._head_size = True, True, 0
        if self._head_timer is None:
            self._start_timer()

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._stop_timer()
        # Counted one by one only where it can be too large.
        if self._head_size + self._read > self.head_bytes:
            size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            if size > self.head_bytes:
                raise LargeHeadError
        super().on_headers_complete()
        # Trailers come as headers, without an end; the request has its own list of them.
        self.headers = NONE

    def pause_writing(self) -> None:
        """A client that does not read holds what is written; without a limit, for ever."""
        super().pause_writing()
        self._stall_timer = self.loop.call_later(self.stall_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """It reads."""
        self._stop_stall_timer()
        super().resume_writing()

    def _should_upgrade(self) -> bool:
        """There are no WebSockets here."""
        return False

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
            self.transport.close()
