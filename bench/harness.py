"""The harness: servers pinned to cores, and a check that nothing else uses these cores."""

import argparse
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from typing import Any, TypeVar

import httpx
import uvloop

from bench import BenchError, machine
from bench.servers import Recipe, Server, serve

T = TypeVar("T")


class Harness:
    """Two cores: one for the runtime and this process (the client), one for the server under test."""

    def __init__(self, options: argparse.Namespace, stack: ExitStack) -> None:
        """Pin this process to its core; servers stop when the stack closes.

        Raises:
            BenchError: there are not two cores to pin to.
        """
        self.options = options
        self.servers: dict[str, Server] = {}
        self._stack = stack
        self._client_core, self._tested_core = machine.cores()
        stack.enter_context(machine.pinned(self._client_core))

    def start(self, recipe: Recipe, *, beside_client: bool = False) -> Server:
        """Start a server.

        Raises:
            BenchError: it does not become ready.
        """
        core = self._client_core if beside_client else self._tested_core
        server = self._stack.enter_context(serve(recipe, core, self.options.out))
        self.servers[recipe.name] = server
        return server

    @property
    def processes(self) -> dict[str, int]:
        """The process ids of this process and of the servers, by name."""
        return {"client": os.getpid(), **{name: server.process for name, server in self.servers.items()}}

    def measure(self, work: Coroutine[Any, Any, T]) -> tuple[T, float]:
        """Run `work` on a quiet machine; return its result, and the cores' worth that others used meanwhile.

        Raises:
            BenchError: other processes keep the cores busy, and --force was not given.
        """
        cores, processes = (self._client_core, self._tested_core), list(self.processes.values())
        busy = machine.used_by_others(cores, processes)
        if busy > machine.BUSY_AT_MOST:
            limit = f"more than {machine.BUSY_AT_MOST * 100:.0f} %"
            problem = f"other processes use {busy * 100:.0f} % of a core, {limit}"
            if not self.options.force:
                work.close()
                raise BenchError(f"{problem}: wait until the machine is quiet, or use --force")
            print(f"forced: {problem}, so these figures are not a valid measurement", flush=True)
        before = machine.read(cores, processes)
        result = uvloop.run(work)
        return result, machine.others(before, machine.read(cores, processes))


def command(options: argparse.Namespace, work: Callable[[Harness], int]) -> int:
    """Run `work` in a harness and return its exit status, 2 if nothing could be measured, 130 if stopped."""
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            return work(Harness(options, stack))
    except (BenchError, OSError, httpx.HTTPError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
