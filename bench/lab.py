"""The lab: the servers on their cores, and the watch over who else uses these cores."""

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


class Lab:
    """Two cores: one for the runtime and this process, which is the client, one for what is measured."""

    def __init__(self, options: argparse.Namespace, stack: ExitStack) -> None:
        """Take the cores; what is started ends with the stack.

        Raises:
            BenchError: there are no two cores.
        """
        self.options = options
        self.servers: dict[str, Server] = {}
        self._stack = stack
        self._client_core, self.measured_core = machine.cores()
        stack.enter_context(machine.pinned(self._client_core))

    def start(self, recipe: Recipe, *, beside_client: bool = False) -> Server:
        """Start a server.

        Raises:
            BenchError: it does not get ready.
        """
        core = self._client_core if beside_client else self.measured_core
        server = self._stack.enter_context(serve(recipe, core, self.options.out))
        self.servers[recipe.name] = server
        return server

    @property
    def processes(self) -> dict[str, int]:
        """This process and the servers, by name."""
        return {"client": os.getpid(), **{name: it.process for name, it in self.servers.items()}}

    def measure(self, work: Coroutine[Any, Any, T]) -> tuple[T, float]:
        """Do the work when the machine is quiet; also give what others took meanwhile, in cores' worth.

        Raises:
            BenchError: the machine is busy, and this is not forced.
        """
        cores, processes = (self._client_core, self.measured_core), list(self.processes.values())
        busy = machine.wait_and_see(cores, processes)
        if busy > machine.BUSY_AT_MOST:
            trouble = (
                f"others keep {busy * 100:.0f} % of a core busy, more than {machine.BUSY_AT_MOST * 100:.0f} %"
            )
            if not self.options.force:
                work.close()
                raise BenchError(f"{trouble}: let the machine come to rest, or --force")
            print(f"forced: {trouble}, so that these figures are no measurement", flush=True)
        before = machine.read(cores, processes)
        found = uvloop.run(work)
        return found, machine.others(before, machine.read(cores, processes))


def command(options: argparse.Namespace, work: Callable[[Lab], int]) -> int:
    """Do the work in a lab, and give the exit status: its own, 2 for nothing measured, 130 for stopped."""
    options.out.mkdir(parents=True, exist_ok=True)
    try:
        with ExitStack() as stack:
            return work(Lab(options, stack))
    except (BenchError, OSError, httpx.HTTPError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
