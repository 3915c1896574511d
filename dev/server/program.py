"""The supervisor's program: its socket, and how it is replaced by itself without closing one."""

import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from typing import NoReturn

from dev.server.child import Child
from dev.server.connections import Handover

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
RESUME = "DEV_SERVER_RESUME"
"""An environment variable: what a program hands to the one that replaces it."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that is bound, but refuses clients until it is told to listen.

    Raises:
        OSError: The port is not free, or the host is not this machine.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    if host == "::":  # IPv4 as well
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.setblocking(False)
    return listener


@dataclass(frozen=True, slots=True)
class Left:
    """What a program leaves to the one that replaces it.

    Attributes:
        packages: The names of the modules that it has imported for its forks.
    """

    listener: socket.socket
    handover: Handover
    generations: list[Child]
    packages: list[str]


def replace(left: Left) -> NoReturn:
    """Run this program from its start: it imports all packages again, and keeps sockets and generations."""
    listener, handover, generations = left.listener, left.handover, left.generations
    sockets = [listener, handover.entrance, handover.exit]
    for kept in (*sockets, *(generation.control for generation in generations)):
        kept.set_inheritable(True)
    numbers = [kept.fileno() for kept in sockets]
    state = {
        "sockets": numbers,
        "generations": [generation.as_json() for generation in generations],
        "packages": left.packages,
    }
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the new program handles them
    os.environ[RESUME] = json.dumps(state)
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606


def resumed() -> Left | None:
    """Return what the program that this one replaces has left; None if it replaces none."""
    if not (given := os.environ.pop(RESUME, None)):
        return None
    state = json.loads(given)
    sockets = [socket.socket(fileno=number) for number in state["sockets"]]
    for kept in sockets:
        kept.set_inheritable(False)
    listener, *ends = sockets
    generations = [Child.from_json(fields) for fields in state["generations"]]
    return Left(listener, Handover(*ends), generations, state["packages"])
