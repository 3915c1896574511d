"""The process that owns the socket: it watches the sources, and forks a generation for each save."""

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path

from dev.server.child import Generation, State
from dev.server.connections import Handover
from dev.server.generation import RETIRE, SERVE, run
from dev.server.options import Options
from dev.server.sources import Sources

POLL_SECONDS = 0.05
MOST_GENERATIONS = 4
BACKLOG = 2048  # uvicorn's
RESUME = "DEV_SERVER_RESUME"
"""An environment variable: what a supervisor hands to itself when it starts anew."""


class Supervisor:
    """Serves until SIGTERM or SIGINT. SIGUSR1: packages were installed; import them again."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._sources = Sources(Path.cwd())
        self._generations: list[Generation] = []  # the oldest first
        self._changed = ["the code"]  # what the next generation is for
        self._signals: list[int] = []
        self._stopping = False
        self._replaced = False  # whether a generation has been started in place of one that ended by itself
        self._resume()

    def run(self) -> int:
        """Serve, and return the exit status."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            signal.signal(number, lambda number, _frame: self._signals.append(number))
        self._sources.scan()
        while self._generations or not self._stopping:
            self._look()
            if self._changed and not self._stopping:
                self._start()
            self._wait()
        return 0

    def _look(self) -> None:
        """Take note of signals and saves."""
        while self._signals:
            if self._signals.pop(0) == signal.SIGUSR1:
                self._start_anew()
            else:
                self._stop()
        self._scan()

    def _scan(self) -> None:
        if changed := self._sources.scan():
            self._note(changed)
            self._replaced = False

    def _note(self, changed: list[str]) -> None:
        """Have a generation started for these changes."""
        self._changed = sorted({*self._changed, *changed})

    def _wait(self) -> None:
        """Wait for a moment, and hear what generations report."""
        controls = {generation.control: generation for generation in self._generations}
        for control in select.select(list(controls), [], [], POLL_SECONDS)[0]:
            generation = controls[control]
            for message in generation.messages():
                self._hear(generation, message)
            if generation.gone:
                self._forget(generation)

    def _start(self) -> None:
        """Fork the next generation, once there is room for it."""
        if loading := self._in(State.LOADING):
            self._note(loading.changed)
            loading.kill()
        elif len(self._generations) >= MOST_GENERATIONS:
            self._generations[0].end()
        else:
            self._sources.compile()
            changed, self._changed = self._changed, []
            control, theirs = socket.socketpair()
            sys.stdout.flush()
            began = time.monotonic()
            pid = os.fork()
            if pid == 0:
                control.close()
                self._become_generation(theirs)
            theirs.close()
            self._generations.append(Generation(pid, control, State.LOADING, changed, began))

    def _become_generation(self, control: socket.socket) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C; the supervisor sends SIGTERM
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        for generation in self._generations:
            generation.control.close()
        waits = self._in(State.SERVING) is not None
        run(self._options, self._sources, self._listener, self._handover, control, waits)

    def _hear(self, generation: Generation, message: dict[str, object]) -> None:
        self._scan()
        if self._changed:  # since this generation was forked: the next one counts
            return
        if modules := message.get("modules"):
            self._take_over(generation)
            assert isinstance(modules, list)  # noqa: S101 - see generation.report
            self._preload(modules)
        elif waiting := message.get("waiting"):
            _print(
                f"reload: the new code has started, but {waiting}; until that changes, the old code serves"
            )
        else:
            _print(str(message["failed"]).rstrip())

    def _take_over(self, generation: Generation) -> None:
        if before := self._in(State.SERVING):
            before.state = State.RETIRED
            before.send(RETIRE)
            seconds = time.monotonic() - generation.began
            _print(f"reload: {generation.changes} is live, {seconds:.2f} s after it was seen")
        else:
            self._listener.listen(BACKLOG)  # not before: a client is refused rather than left waiting
            _print(f"reload: serving on {self._options.host}:{self._listener.getsockname()[1]}")
        generation.state = State.SERVING
        generation.send(SERVE)

    def _preload(self, modules: list[str]) -> None:
        """Import here, for the generations to come, the packages that this one has imported."""
        for name in modules:
            try:
                if name not in sys.modules:
                    importlib.import_module(name)
            except Exception as error:
                _print(f"reload: each save imports {name}, which cannot stay loaded: {error!r}")
        gc.collect()
        gc.freeze()  # or a collection would copy the pages that the generations share

    def _forget(self, generation: Generation) -> None:
        """A generation has ended: say so if nobody asked it to."""
        self._generations.remove(generation)
        status = generation.wait()
        if self._stopping or generation.killed or generation.state == State.RETIRED:
            return
        if generation.state == State.LOADING:
            if not self._changed:
                rest = "the old code serves on" if self._in(State.SERVING) else "nothing serves yet"
                _print(f"reload: {generation.changes} does not start; {rest} until a save repairs it")
        elif self._replaced:
            _print(f"reload: the process ended again (status {status}): waiting for a save")
        else:
            self._replaced = True
            self._note(["the code"])
            _print(f"reload: the process ended by itself (status {status}): starting another one")

    def _stop(self) -> None:
        """End all generations, each with the app's own graceful shutdown."""
        self._stopping = True
        for generation in self._generations:
            if generation.state == State.LOADING:
                generation.kill()
            else:
                os.kill(generation.pid, signal.SIGTERM)

    def _start_anew(self) -> None:
        """Replace this program by itself, which keeps the socket and the generations, but no package."""
        if loading := self._in(State.LOADING):
            loading.kill()
            loading.wait()
            self._generations.remove(loading)
        sockets = [self._listener, self._handover.entrance, self._handover.exit]
        for kept in (*sockets, *(generation.control for generation in self._generations)):
            kept.set_inheritable(True)
        generations = [generation.as_json() for generation in self._generations]
        os.environ[RESUME] = json.dumps(
            {"sockets": [s.fileno() for s in sockets], "generations": generations}
        )
        _print("reload: importing the packages again")
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606

    def _resume(self) -> None:
        """Open the socket, or take it from the supervisor that this one replaces."""
        if resumed := os.environ.pop(RESUME, None):
            kept, self._changed = json.loads(resumed), ["what was installed"]
            self._listener, *ends = (socket.socket(fileno=number) for number in kept["sockets"])
            self._generations = [Generation.from_json(fields) for fields in kept["generations"]]
            for owned in (self._listener, *ends):
                owned.set_inheritable(False)
        else:
            family = socket.AF_INET6 if ":" in self._options.host else socket.AF_INET
            self._listener, ends = socket.socket(family), list(socket.socketpair())
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((self._options.host, self._options.port))
            self._listener.setblocking(False)
        self._handover = Handover(*ends)

    def _in(self, state: State) -> Generation | None:
        return next((generation for generation in self._generations if generation.state == state), None)


def _print(line: str) -> None:
    print(line, flush=True)
