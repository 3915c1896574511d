"""Connections that outlive the process that serves them: between two requests they move to another one."""

import asyncio
import socket
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class Owner(Protocol):
    """The server of a process."""

    retired: bool
    """Whether another process serves new requests now."""

    def pass_on(self, connection: "Movable") -> None:
        """Move a connection to the process that serves now, unless a request is in progress on it."""


class Movable(HttpToolsProtocol):
    """uvicorn's HTTP protocol, whose connections can move while no request is in progress."""

    owner: Owner
    _in_request = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection that was accepted while its process retired moves on at once."""
        super().connection_made(transport)
        if self.owner.retired:
            self.loop.call_soon(self.owner.pass_on, self)

    def on_message_begin(self) -> None:
        self._in_request = True
        super().on_message_begin()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_request = False

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.owner.retired:
            self.loop.call_soon(self.owner.pass_on, self)

    @property
    def idle(self) -> bool:
        """Whether every byte that was read has been answered, and every byte of the answers was sent."""
        answered = self.cycle is None or self.cycle.response_complete
        unsent = self.transport.is_closing() or self.transport.get_write_buffer_size()
        return answered and not self._in_request and not unsent


def movable(base: type[HttpToolsProtocol], owner: Owner) -> type[HttpToolsProtocol]:
    """Return a protocol class like `base`, whose connections move on when `owner` retires."""
    return type("MovableProtocol", (Movable, base), {"owner": owner})


class Handover:
    """The way of connections from one process to another: a pair of sockets that all of them share."""

    def __init__(self, entrance: socket.socket, exit: socket.socket) -> None:
        self.entrance, self.exit = entrance, exit
        for end in (entrance, exit):
            end.setblocking(False)

    @classmethod
    def open(cls) -> "Handover":
        """Return a new one."""
        return cls(*socket.socketpair())

    def send(self, transport: asyncio.BaseTransport) -> bool:
        """Send a connection's file descriptor; return whether there was room for it."""
        connection: Any = transport.get_extra_info("socket")
        try:
            socket.send_fds(self.entrance, [b"c"], [connection.fileno()])
        except BlockingIOError:
            return False
        return True

    def receive(self) -> socket.socket | None:
        """Return the next connection; None if another process was faster."""
        try:
            _, descriptors, _, _ = socket.recv_fds(self.exit, 1, 1)
        except BlockingIOError:
            return None
        return socket.socket(fileno=descriptors[0]) if descriptors else None
