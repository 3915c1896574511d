"""The process of one generation: uvicorn, which serves from one command of the supervisor to another."""

import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import Set
from dataclasses import dataclass, field
from typing import Any, NoReturn

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dev.server import loading
from dev.server.connections import Handover, Movable, movable
from dev.server.options import Options
from dev.server.sources import Sources

SERVE, RETIRE, END = b"s", b"r", b"e"
"""Commands to a generation: take over the socket; leave it and finish; end the requests as well."""

PROBE_SECONDS = 0.02
SERVING_SECONDS = 2
EXPLAIN_AFTER = 500
"""Failed probes before the developer is told."""


def report(control: socket.socket, **message: object) -> None:
    """Tell the supervisor `modules` (the app answers), `waiting` (not yet: why) or `failed` (a traceback)."""
    control.setblocking(True)
    control.sendall(json.dumps(message).encode() + b"\n")
    control.setblocking(False)


@dataclass(frozen=True, slots=True)
class Generation:
    """What a generation gets from the supervisor.

    Attributes:
        options: How to serve.
        sources: The project's own modules, as they were when this generation was forked.
        listener: The socket of all generations.
        handover: Where connections go when this generation retires, and come from when it takes over.
        control: The connection to the supervisor.
        waits: Whether to be ready before taking over, as another generation serves.
        known: The modules that have been imported before.
    """

    options: Options
    sources: Sources
    listener: socket.socket
    handover: Handover
    control: socket.socket
    waits: bool
    known: Set[str] = field(default_factory=lambda: frozenset(sys.modules))

    def run(self) -> NoReturn:
        """Load the app and serve it, in a process just forked; end the process."""
        status = 1
        try:
            self._serve()
            status = 0
        except SystemExit as end:  # uvicorn has logged why the app does not start
            status = end.code if isinstance(end.code, int) else 1
        except BaseException as error:
            report(self.control, failed=loading.explain(error))
        finally:
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _serve(self) -> None:
        config = uvicorn.Config(
            loading.load(self.options.app),
            log_level=self.options.log_level,
            access_log=self.options.access_log,
            timeout_graceful_shutdown=self.options.timeout_graceful_shutdown,
            timeout_keep_alive=self.options.timeout_keep_alive,
        )
        server = Server(config, self)
        config.http = movable(loading.load(self.options.http), server)
        server.run()


class Server(uvicorn.Server):
    """Starts the app, and serves it from SERVE to RETIRE."""

    def __init__(self, config: uvicorn.Config, generation: Generation) -> None:
        super().__init__(config)
        self.retired = False
        self._generation, self._handover, self._control = generation, generation.handover, generation.control
        self._adopting: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the app without a socket; it has one when the supervisor says so."""
        await super().startup(sockets=[])
        self._obeying = asyncio.create_task(self._obey())

    async def on_tick(self, counter: int) -> bool:
        """Return whether to end: told to, or retired and done."""
        ending = await super().on_tick(counter)
        if self._obeying.done():
            self._obeying.result()  # raises what went wrong
            # The requests in progress end as they do when a shutdown takes too long.
            self.config.timeout_graceful_shutdown = 0
            return True
        if self.retired and not self.server_state.connections:
            self.config.timeout_graceful_shutdown = None  # nothing is left that it could cut
            return True
        return ending

    def pass_on(self, connection: Movable) -> None:
        """Send an idle connection to the process that serves now."""
        if connection.idle and self._handover.send(connection.transport):
            connection.transport.close()  # of this process; the connection itself stays open

    async def _obey(self) -> None:
        """Do what the supervisor says, until it says END or is gone."""
        if self._generation.waits:
            await self._answers()
        sources = self._generation.sources
        new = loading.packages(sources, self._generation.known)
        report(self._control, modules=new, order=sources.order.as_json())
        loop = asyncio.get_running_loop()
        while command := await loop.sock_recv(self._control, 1):
            if command == SERVE:
                await self._take_over()
            elif command == RETIRE:
                self._retire()
            else:
                return

    async def _answers(self) -> None:
        """Wait until the probe's path answers, unless it fails in the serving generation too."""
        tries = 0
        while (status := await self._probe_here()) >= 400 and await self._probe_serving() < 400:
            tries += 1
            if tries == EXPLAIN_AFTER:
                report(self._control, waiting=f"{self._generation.options.probe} answers {status}")
            await asyncio.sleep(PROBE_SECONDS)

    async def _probe_here(self) -> int:
        """Return the status that this generation answers with, on a connection within the process."""
        ours, theirs = socket.socketpair()
        await asyncio.get_running_loop().connect_accepted_socket(self._protocol, theirs)
        return await self._probe(*await asyncio.open_connection(sock=ours))

    async def _probe_serving(self) -> int:
        """Return the status that the generation with the socket answers with; 500 if it does not in time."""
        host, port, *_ = self._generation.listener.getsockname()
        try:
            async with asyncio.timeout(SERVING_SECONDS):
                return await self._probe(*await asyncio.open_connection(host, port))
        except (OSError, TimeoutError):
            return 500

    async def _probe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        path = self._generation.options.probe
        writer.write(f"GET {path} HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split(maxsplit=2)[1]) if answer else 500

    def _protocol(self) -> asyncio.Protocol:
        http: type[HttpToolsProtocol] = self.config.http_protocol_class  # type: ignore[assignment]
        return http(self.config, self.server_state, self.lifespan.state)

    async def _take_over(self) -> None:
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(
            self._protocol, sock=self._generation.listener, backlog=self.config.backlog
        )
        self.servers.append(listening)
        loop.add_reader(self._handover.exit, self._adopt)

    def _adopt(self) -> None:
        if connection := self._handover.receive():
            loop = asyncio.get_running_loop()
            task = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
            self._adopting.add(task)
            task.add_done_callback(self._adopting.discard)

    def _retire(self) -> None:
        self.retired = True
        asyncio.get_running_loop().remove_reader(self._handover.exit)
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if isinstance(connection, Movable):
                self.pass_on(connection)
