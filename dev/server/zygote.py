"""A zygote: a process that holds the modules which saves leave alone, and is forked for each save.

It loads them in the order in which a process that starts from nothing would, and loads nothing twice; no
generation sees state or classes of another one. What a module reads when it is loaded, such as the time or a
file outside the project, is as old as the zygote.
"""

import gc
import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from dev.server.order import same_imports
from dev.server.sources import Snapshot, Sources


@dataclass(eq=False)
class Zygote:
    """The process, as the supervisor sees it.

    Attributes:
        connection: Tells how many modules it could load; reads as ended once the process has.
        names: The modules that it holds, once it is ready.
        paths: The files of all modules, these and others.
        seen: The project when it was forked.
    """

    pid: int
    connection: socket.socket
    names: Sequence[str]
    paths: Mapping[str, str]
    seen: Snapshot
    ready: bool = False

    def stands(self, now: Snapshot) -> bool:
        """Return whether what it holds is what a process that starts from nothing would load first."""
        if now.texts.keys() != self.seen.texts.keys() or now.data != self.seen.data:
            return False  # modules may find other files than before
        changed = {path for path, text in now.texts.items() if text != self.seen.texts[path]}
        held = {self.paths[name] for name in self.names}
        return changed.isdisjoint(held) and all(
            same_imports(self.seen.texts[path], now.texts[path]) for path in changed
        )

    def hear(self) -> int:
        """Return how many modules could be loaded; the process goes unless these are all."""
        answer = self.connection.recv(32)
        loaded = int(answer) if answer else 0
        self.ready = not self.ready and loaded == len(self.names)
        return loaded

    def fork(self, control: socket.socket, waits: bool) -> int | None:
        """Fork a generation, and return its process; None if this process has ended."""
        return self._ask(b"w" if waits else b"f", control)

    def wait(self, pid: int) -> int | None:
        """Return the wait status of a generation that ends; None if this process has ended before."""
        return self._ask(b"%d" % pid)

    def end(self) -> None:
        """End the process; generations live on."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        self.connection.close()

    def _ask(self, request: bytes, *sockets: socket.socket) -> int | None:
        try:
            if sockets:
                socket.send_fds(self.connection, [request], [each.fileno() for each in sockets])
            else:
                self.connection.sendall(request)
            answer = self.connection.recv(32)
        except ConnectionError:
            answer = b""
        return int(answer) if answer else None


def run(
    sources: Sources,
    names: Sequence[str],
    connection: socket.socket,
    generation: Callable[[socket.socket, bool], NoReturn],
) -> NoReturn:
    """Load the modules and serve the supervisor's requests, in a process just forked; end the process."""
    status = 1
    try:
        os.setpgid(0, 0)  # the terminal's Ctrl-C is for the supervisor
        _load(sources, names, connection)
        while True:
            request, descriptors, _, _ = socket.recv_fds(connection, 32, 1)
            if not request:
                status = 0
                break
            answer = os.waitpid(int(request), 0)[1] if not descriptors else 0
            if descriptors:
                control = socket.socket(fileno=descriptors[0])
                control.set_inheritable(False)
                sources.scan()  # the supervisor looks again before what is forked here takes over
                sources.compile()
                if (answer := os.fork()) == 0:
                    connection.close()
                    importlib.invalidate_caches()
                    generation(control, request == b"w")
                control.close()
            connection.sendall(b"%d" % answer)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _load(sources: Sources, names: Sequence[str], connection: socket.socket) -> None:
    """Load the modules; unless that goes as it did before, tell how far it did, and end the process."""
    order = sources.order

    def admit(name: str) -> None:
        """A module out of turn: one that cannot be here, or that imports in a circle with one that cannot."""
        if names[len(order.begun) :][:1] != [name]:
            give_up()

    def give_up() -> NoReturn:
        connection.sendall(b"%d" % loaded)
        os._exit(0)

    order.admit = admit
    for loaded, name in enumerate(names):  # noqa: B007 - give_up tells it
        try:
            importlib.import_module(name)
        except BaseException:  # a generation's own import says why
            give_up()
        if threading.active_count() > 1:  # a fork has one thread
            give_up()
    order.admit = lambda name: None
    gc.collect()
    gc.freeze()  # or a collection would copy the pages that the generations share
    connection.sendall(b"%d" % len(names))
