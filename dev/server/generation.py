"""The process of one generation: uvicorn, which serves from the moment it is told to until it is told not to."""

import asyncio
import importlib
import json
import logging
import os
import socket
import sys
import traceback
from typing import Any, NoReturn

import uvicorn
from uvicorn.importer import import_from_string
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dev.server.connections import Handover, Movable, movable
from dev.server.options import Options
from dev.server.sources import Sources

SERVE, RETIRE, END = b"s", b"r", b"e"
"""Commands to a generation: take over the socket; leave it and finish; end the requests as well."""

PROBE_SECONDS = 0.02
EXPLAIN_AFTER = 500
"""Failed probes before the developer is told."""


def report(control: socket.socket, **message: object) -> None:
    """Tell the supervisor `modules` (the app answers), `waiting` (not yet: why) or `failed` (a traceback)."""
    control.setblocking(True)
    control.sendall(json.dumps(message).encode() + b"\n")
    control.setblocking(False)


class Server(uvicorn.Server):
    """Starts the app, and serves it on `listener` from SERVE to RETIRE.

    Args:
        options: How to serve.
        config: uvicorn's.
        listener: The socket of all generations.
        handover: Where connections go when this generation retires, and come from when it takes over.
        control: The connection to the supervisor.
        waits: Whether to become ready before taking over, as another generation serves.
    """

    def __init__(
        self,
        options: Options,
        config: uvicorn.Config,
        listener: socket.socket,
        handover: Handover,
        control: socket.socket,
        waits: bool,
    ) -> None:
        super().__init__(config)
        self.retired = False
        self._options, self._listener, self._handover, self._control = options, listener, handover, control
        self._waits = waits
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
        return ending or (self.retired and not self.server_state.connections)

    def pass_on(self, connection: Movable) -> None:
        """Send an idle connection to the process that serves now."""
        if connection.idle and self._handover.send(connection.transport):
            connection.transport.close()  # of this process; the connection itself stays open

    async def _obey(self) -> None:
        """Do what the supervisor says, until it says END or is gone."""
        if self._waits:
            await self._answers()
        report(self._control, modules=[name for name in sys.modules if not self._own(name)])
        loop = asyncio.get_running_loop()
        while command := await loop.sock_recv(self._control, 1):
            if command == SERVE:
                await self._take_over()
            elif command == RETIRE:
                self._retire()
            else:
                return

    def _own(self, name: str) -> bool:
        module = sys.modules[name]
        places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", [])]
        return any(place.startswith(os.getcwd() + os.sep) for place in places)

    async def _answers(self) -> None:
        """Wait until the probe's path answers, for as long as that takes: the generation before serves on."""
        tries = 0
        while (status := await self._probe()) >= 400:
            tries += 1
            if tries == EXPLAIN_AFTER:
                report(self._control, waiting=f"{self._options.probe} answers {status}")
            await asyncio.sleep(PROBE_SECONDS)

    async def _probe(self) -> int:
        """Return the status that the app answers with, on a connection within this process."""
        ours, theirs = socket.socketpair()
        await asyncio.get_running_loop().connect_accepted_socket(self._protocol, theirs)
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(
            f"GET {self._options.probe} HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n".encode()
        )
        answer = await reader.read()
        writer.close()
        return int(answer.split(maxsplit=2)[1]) if answer else 500

    def _protocol(self) -> asyncio.Protocol:
        http: type[HttpToolsProtocol] = self.config.http_protocol_class  # type: ignore[assignment]
        return http(self.config, self.server_state, self.lifespan.state)

    async def _take_over(self) -> None:
        loop = asyncio.get_running_loop()
        listening = await loop.create_server(self._protocol, sock=self._listener, backlog=self.config.backlog)
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


def _serve(
    options: Options,
    sources: Sources,
    listener: socket.socket,
    handover: Handover,
    control: socket.socket,
    waits: bool,
) -> None:
    sys.dont_write_bytecode = (
        True  # of the project's own modules: Python would take it for that of a later save
    )
    sys.path[:] = [sources.root, *(path for path in sys.path if path not in ("", sources.root))]
    sys.path_hooks.insert(0, sources.path_hook())
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    app = import_from_string(options.app)
    config = uvicorn.Config(
        app,
        log_level=options.log_level,
        access_log=options.access_log,
        timeout_graceful_shutdown=options.timeout_graceful_shutdown,
    )
    server = Server(options, config, listener, handover, control, waits)
    config.http = movable(import_from_string(options.http), server)
    server.run()


def _explained(error: BaseException) -> str:
    """Return the traceback without the frames that load every app."""
    lines = traceback.TracebackException.from_exception(error)
    ours = (
        os.path.dirname(__file__) + os.sep,
        "<frozen importlib",
        importlib.__file__,
        import_from_string.__code__.co_filename,
    )
    lines.stack[:] = [frame for frame in lines.stack if not frame.filename.startswith(ours)]
    return "".join(lines.format())


def run(
    options: Options,
    sources: Sources,
    listener: socket.socket,
    handover: Handover,
    control: socket.socket,
    waits: bool,
) -> NoReturn:
    """Be a generation, in a process just forked; end the process."""
    status = 1
    try:
        _serve(options, sources, listener, handover, control, waits)
        status = 0
    except SystemExit as end:  # uvicorn has logged why the app does not start
        status = end.code if isinstance(end.code, int) else 1
    except BaseException as error:
        report(control, failed=_explained(error))
    finally:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
