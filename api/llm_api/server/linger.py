"""Sends together what is written together, and closes connections in stages (RFC 9112, 9.6)."""

import asyncio
from collections.abc import Callable
from typing import Any


class LingeringTransport:
    """A transport whose `close` first reads on if the client is still sending.

    What is written in one turn of the event loop is sent at once: uvicorn writes a head, its body and the end
    of a stream one by one, and a call of the kernel takes longer than all that the gateway does for a token.

    The kernel answers a close with unread data by a reset, at which the client may lose the response. So this
    ends the gateway's own side of the connection, and reads until the client ends its side, has sent
    `max_bytes` more, or `seconds` are over.

    Args:
        transport: The connection.
        sending: Tells whether the client is still sending a request.
        seconds: How long to read on.
        max_bytes: How much to read on.
    """

    def __init__(
        self, transport: asyncio.Transport, sending: Callable[[], bool], *, seconds: float, max_bytes: int
    ) -> None:
        self._transport, self._sending = transport, sending
        self._seconds, self._bytes_left = seconds, max_bytes
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._unsent: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send the data with what else is written in this turn of the event loop."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(data)

    def _flush(self) -> None:
        if self._unsent and not self._transport.is_closing():
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    @property
    def lingers(self) -> bool:
        """Whether what arrives is to be passed to `discard`."""
        return self._timer is not None

    def is_closing(self) -> bool:
        return self.lingers or self._transport.is_closing()

    def close(self) -> None:
        """Close the connection, in stages if the client is still sending."""
        if self.is_closing():
            return
        self._flush()
        if not self._sending():
            self._transport.close()
            return
        self._timer = self._loop.call_later(self._seconds, self._transport.close)
        if self._transport.can_write_eof():  # TLS cannot end one side only
            self._transport.write_eof()
        self._transport.resume_reading()

    def close_now(self) -> None:
        """Close the connection after the response, whatever the client is sending."""
        self._flush()
        self._transport.close()

    def discard(self, size: int) -> None:
        """Drop `size` bytes that have arrived since the close."""
        self._bytes_left -= size
        if self._bytes_left < 0:
            self._transport.close()

    def closed(self) -> None:
        """Stop waiting: the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
