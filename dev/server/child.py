"""A generation, as the supervisor sees it."""

import enum
import json
import os
import signal
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from dev.server.generation import END
from dev.server.zygote import Zygote

END_SECONDS = 5
"""For a generation to end once it was told to; a handler that never returns to its loop cannot."""


class State(enum.StrEnum):
    LOADING = "loading"
    SERVING = "serving"
    RETIRED = "retired"


@dataclass(eq=False)
class Child:
    """A forked process.

    Attributes:
        control: The connection to it; it reads as ended once the process has.
        changed: The paths whose change it is for.
        began, retired, ended: When, by time.monotonic.
        failure: The traceback of the error that ended it.
        zygote: The process that it was forked from, if not the supervisor.
    """

    pid: int
    control: socket.socket
    state: State
    changed: list[str]
    began: float
    retired: float = 0.0
    ended: float = 0.0
    failure: str = ""
    gone: bool = False
    killed: bool = False
    zygote: Zygote | None = None
    _told: float | None = None
    _received: bytes = field(default=b"", repr=False)

    @property
    def changes(self) -> str:
        """Name what changed, in a few words."""
        first, *others = self.changed
        return f"{first} (and {len(others)} more)" if others else first

    def send(self, command: bytes) -> None:
        """Send a command; a process that has just ended needs none."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.control.sendall(command)

    def end(self) -> None:
        """Tell a process to end its requests with an error; kill it if it does not end."""
        if self._told is None:
            self._told = time.monotonic()
            self.send(END)
        elif time.monotonic() > self._told + END_SECONDS:
            self.kill()

    def messages(self) -> list[dict[str, Any]]:
        """Read what has arrived: complete messages, and perhaps the end."""
        try:
            data = self.control.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        self.gone = not data
        *lines, self._received = (self._received + data).split(b"\n")
        return [json.loads(line) for line in lines]

    def kill(self) -> None:
        """End a process at once."""
        if not self.killed:
            self.killed = True
            self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Send a signal; a process whose parent is gone may be gone as well."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self) -> int | None:
        """Return the exit status of a process that ends, negative if a signal ended it; None if unknown."""
        self.ended = time.monotonic()
        self.control.close()
        try:
            status = self.zygote.wait(self.pid) if self.zygote else os.waitpid(self.pid, 0)[1]
        except ChildProcessError:  # of a zygote that ended before
            return None
        return None if status is None else os.waitstatus_to_exitcode(status)

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` needs in a program that replaces this one."""
        return {"pid": self.pid, "control": self.control.fileno(), "state": self.state}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Child":
        """Return the generation, whose connection this program has inherited."""
        control = socket.socket(fileno=fields["control"])
        control.set_inheritable(False)
        return cls(fields["pid"], control, State(fields["state"]), ["before"], 0.0, time.monotonic())
