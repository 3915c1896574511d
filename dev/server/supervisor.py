"""The process that owns the socket: it watches the sources, and forks a generation for each save."""

import select
import signal
import socket
import time
from collections import deque
from pathlib import Path
from typing import Any, NoReturn

from dev.server import program
from dev.server.child import Child, State
from dev.server.connections import Handover
from dev.server.forks import Forks
from dev.server.generation import RETIRE, SERVE, Generation
from dev.server.options import Options
from dev.server.order import Order
from dev.server.sources import Sources

POLL_SECONDS = 0.02
SETTLE_SECONDS = 0.2  # for a file to be written: a half of it is not reported as an error
MOST_GENERATIONS = 4
BACKLOG = 2048  # uvicorn's


class Supervisor:
    """Serves until SIGTERM or SIGINT. SIGUSR1: packages were installed; import them again."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._sources = Sources(Path.cwd())
        self._generations: list[Child] = []  # the oldest first
        self._changed = ["the code"]  # what the next generation is for
        self._signals: list[int] = []
        self._stopping = False
        self._waits_for: Child | None = None  # the generation that has to end before the next one begins
        self._failed: Child | None = None  # the last one, until that is explained
        self._replaced = False  # whether a generation has been started in place of one that ended by itself
        left = program.resumed()
        if left:
            self._listener, self._handover, self._generations = left.listener, left.handover, left.generations
            self._changed = ["what was installed"]
        else:
            self._listener, self._handover = program.listen(options.host, options.port), Handover.open()
        self._forks = Forks(options.app, self._sources, self._generations, self._become_generation)
        if left:
            deque(self._forks.preload(left.packages), maxlen=0)  # what cannot be imported may be gone

    def run(self) -> int:
        """Serve, and return the exit status."""
        for number in program.SIGNALS:
            signal.signal(number, lambda number, _frame: self._signals.append(number))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, program.SIGNALS)
        self._sources.scan()
        while self._generations or not self._stopping:
            self._look()
            if self._changed and not self._stopping:
                self._start()
            if self._failed and time.monotonic() > self._failed.ended + SETTLE_SECONDS:
                self._explain(self._failed)
            self._wait()
        self._forks.close()
        return 0

    def _look(self) -> None:
        """Take note of signals and saves."""
        while self._signals:
            if self._signals.pop(0) != signal.SIGUSR1:
                self._stop()
            elif not self._stopping:
                self._start_anew()
        self._scan()

    def _scan(self) -> None:
        if changed := self._sources.scan():
            self._note(changed)
            self._replaced, self._failed = False, None

    def _note(self, changed: list[str]) -> None:
        """Have a generation started for these changes."""
        self._changed = sorted({*self._changed, *changed})

    def _wait(self) -> None:
        """Wait for a moment, and hear what generations report."""
        controls = {generation.control: generation for generation in self._generations}
        zygote = self._forks.zygote
        connections = [*controls, *([zygote.connection] if zygote else [])]
        for ready in select.select(connections, [], [], POLL_SECONDS)[0]:
            if not (generation := controls.get(ready)):
                self._forks.hear(zygote)
                continue
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
            self._make_room(self._generations[0])
        else:
            changed, self._changed = self._changed, []
            self._generations.append(self._forks.fork(changed, self._in(State.SERVING) is not None))

    def _make_room(self, oldest: Child) -> None:
        """End the oldest generation, but not before its requests have had their time to finish."""
        if time.monotonic() > oldest.retired + self._options.finish:
            oldest.end()
        elif self._waits_for is not oldest:
            self._waits_for = oldest
            _print(
                f"reload: {MOST_GENERATIONS} generations have requests to finish: this save waits for that"
            )

    def _become_generation(self, control: socket.socket, waits: bool) -> NoReturn:
        Generation(self._options, self._sources, self._listener, self._handover, control, waits).run()

    def _hear(self, generation: Child, message: dict[str, Any]) -> None:
        self._scan()
        if self._changed:  # since this generation was forked: the next one counts
            return
        if order := message.get("order"):
            self._take_over(generation)
            for name, error in self._forks.preload(message["modules"]):
                _print(f"reload: each save imports {name}, which cannot stay loaded: {error!r}")
            self._forks.renew(Order.from_json(order))
        elif waiting := message.get("waiting"):
            _print(f"reload: the new code has started, but {waiting}; so far the old code serves on")
        else:
            generation.failure = str(message["failed"]).rstrip()

    def _take_over(self, generation: Child) -> None:
        if before := self._in(State.SERVING):
            before.state, before.retired = State.RETIRED, time.monotonic()
            before.send(RETIRE)
            seconds = time.monotonic() - generation.began
            _print(f"reload: {generation.changes} is live, {seconds:.2f} s after it was seen")
        else:
            self._listener.listen(BACKLOG)  # not before: a client is refused rather than left waiting
            _print(f"reload: serving on {self._options.host}:{self._listener.getsockname()[1]}")
        generation.state = State.SERVING
        generation.send(SERVE)

    def _forget(self, generation: Child) -> None:
        """A generation has ended: say so if nobody asked it to."""
        self._generations.remove(generation)
        status = generation.wait()
        self._forks.forget(generation)
        if generation.failure and generation.state != State.LOADING:
            _print(generation.failure)
        if self._stopping or generation.killed or generation.state == State.RETIRED:
            return
        if generation.state == State.LOADING:
            self._failed = None if self._changed else generation
        elif self._replaced:
            _print(f"reload: the process ended again (status {status}): waiting for a save")
        else:
            self._replaced = True
            self._note(["the code"])
            _print(f"reload: the process ended by itself (status {status}): starting another one")

    def _explain(self, generation: Child) -> None:
        """Say why one did not start."""
        if generation.failure:
            _print(generation.failure)
        rest = "the old code serves on" if self._in(State.SERVING) else "nothing serves yet"
        _print(f"reload: {generation.changes} does not start; {rest} until a save repairs it")
        self._failed = None

    def _stop(self) -> None:
        """End all generations, each with the app's own graceful shutdown."""
        self._stopping = True
        for generation in self._generations:
            if generation.state == State.LOADING:
                generation.kill()
            else:
                generation.signal(signal.SIGTERM)

    def _start_anew(self) -> None:
        """Replace this program by itself, which keeps the socket and the generations, but no package."""
        if loading := self._in(State.LOADING):
            loading.kill()
            loading.wait()
            self._generations.remove(loading)
        self._forks.close()
        _print("reload: importing the packages again")
        packages = self._forks.packages
        program.replace(program.Left(self._listener, self._handover, self._generations, packages))

    def _in(self, state: State) -> Child | None:
        return next((generation for generation in self._generations if generation.state == state), None)


def _print(line: str) -> None:
    print(line, flush=True)
