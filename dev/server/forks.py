"""From which process each generation is forked."""

import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NoReturn

from dev.server import loading, program, zygote
from dev.server.child import Child, State
from dev.server.order import Order
from dev.server.sources import Sources
from dev.server.zygote import Zygote

RECENT_SAVES = 5
"""What these have changed is expected to change again, and is left out of the next zygote."""

FEW_FILES = 3
"""More at once are no edit, but another branch."""


class Forks:
    """Forks generations: from a zygote, or from this process if a change reaches what the zygote holds."""

    def __init__(
        self,
        app: str,
        sources: Sources,
        generations: Sequence[Child],
        generation: Callable[[socket.socket, bool], NoReturn],
    ) -> None:
        self._main = app.partition(":")[0].replace(".", os.sep) + ".py"
        self._sources, self._generations, self._generation = sources, generations, generation
        self._recent: deque[set[str]] = deque(maxlen=RECENT_SAVES)
        self._wanted: list[str] = []
        self.packages: list[str] = []  # what is imported here for all forks
        self._fresh: set[str] = set()  # packages that only generations can import
        self.zygote: Zygote | None = None

    def fork(self, changed: list[str], waits: bool) -> Child:
        """Fork a generation for a change; with `waits`, one that is ready before it takes over."""
        self._recent.append(set(changed) if len(changed) <= FEW_FILES else set())
        if self.zygote and select.select([self.zygote.connection], [], [], 0)[0]:
            self.hear(self.zygote)
        control, theirs = socket.socketpair()
        began = time.monotonic()
        source = self.zygote
        if source and not (source.ready and source.stands(self._sources.snapshot())):
            source = None
        pid = source.fork(theirs, waits) if source else None
        if pid is None:
            source = None
            self._sources.compile()
            pid = self._fork(control, partial(self._generation, theirs, waits))
        theirs.close()
        return Child(pid, control, State.LOADING, changed, began, zygote=source)

    def preload(self, modules: Sequence[str]) -> Iterator[tuple[str, Exception]]:
        """Import here, for the forks to come, the packages that one has imported; yield which cannot be."""
        new = [name for name in modules if name not in sys.modules and name not in self._fresh]
        if not new:
            return
        self.drop()
        for name in new:
            try:
                importlib.import_module(name)
                self.packages.append(name)
            except Exception as error:
                self._fresh.add(name)
                yield name, error
        gc.collect()
        gc.freeze()  # or a collection would copy the pages that the forks share

    def renew(self, order: Order) -> None:
        """Have a zygote with all that is expected to stand, given the order in which a generation loaded."""
        changing, now = {self._main}.union(*self._recent), self._sources.snapshot()
        if self.zygote and not self.zygote.stands(now):
            self.drop()
        names = order.standing(changing, now.imports)
        if names != self._wanted:
            self._wanted = names
            self._replace(names, {step.name: step.path for step in order.begun})

    def hear(self, heard: Zygote | None) -> None:
        """Hear from a zygote how much it could load, and be content with that."""
        if heard and heard is self.zygote:
            loaded = heard.hear()
            if not heard.ready:
                self._replace(heard.names[:loaded], heard.paths)

    def drop(self) -> None:
        """Fork from this process until there is another zygote."""
        self._wanted = []
        self._replace([], {})

    def forget(self, gone: Child) -> None:
        """End the zygote of a generation that has ended, if it is an old one and that was its last."""
        self._release(gone.zygote)

    def close(self) -> None:
        """End every zygote."""
        self.drop()
        for old in {generation.zygote for generation in self._generations if generation.zygote}:
            old.end()
        for generation in self._generations:
            generation.zygote = None

    def _replace(self, names: Sequence[str], paths: Mapping[str, str]) -> None:
        before, self.zygote = self.zygote, None
        self._release(before)
        if names:
            ours, theirs = socket.socketpair()
            process = partial(zygote.run, self._sources, names, theirs, self._generation)
            self.zygote = Zygote(self._fork(ours, process), ours, names, paths, self._sources.snapshot())
            theirs.close()

    def _release(self, old: Zygote | None) -> None:
        """End a zygote that no generation needs any more: it knows how its generations end."""
        if old and old is not self.zygote and all(each.zygote is not old for each in self._generations):
            old.end()

    def _fork(self, ours: socket.socket, process: Callable[[], NoReturn]) -> int:
        """Fork a process that has nothing of the supervisor's but the sockets of all generations."""
        sys.stdout.flush()
        if not (pid := os.fork()):
            self._leave(ours)
            process()
        return pid

    def _leave(self, ours: socket.socket) -> None:
        for number in program.SIGNALS:  # the terminal's Ctrl-C comes here too; the supervisor sends SIGTERM
            signal.signal(number, signal.SIG_DFL if number == signal.SIGTERM else signal.SIG_IGN)
        zygotes = [self.zygote, *(generation.zygote for generation in self._generations)]
        controls = [generation.control for generation in self._generations]
        for inherited in (ours, *controls, *(each.connection for each in zygotes if each)):
            inherited.close()
        loading.use(self._sources)
