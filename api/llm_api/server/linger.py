"""Closes connections in stages, so that a client that is still sending gets the response (RFC 9112, 9.6)."""

import asyncio
from collections.abc import Callable
from typing import Any


class LingeringTransport:
    """A transport whose `close` first reads on if the client is still sending.

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
        self.write = transport.write  # found without __getattr__, because every response needs it

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

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
        if not self._sending():
            self._transport.close()
            return
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._transport.close)
        if self._transport.can_write_eof():  # TLS cannot end one side only
            self._transport.write_eof()
        self._transport.resume_reading()

    def close_now(self) -> None:
        """Close the connection after the response, whatever the client is sending."""
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
