"""A program of the drill's platform."""

import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from dev import FixableError

START_SECONDS = 60
STOP_SECONDS = 20


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """A program that can be killed and started again; its output goes to a log."""

    command: list[str]
    folder: Path
    ready: str
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    child: "subprocess.Popen[bytes] | None" = None

    def launch(self) -> None:
        with self.log.open("ab") as output:
            self.child = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait(self) -> None:
        """Wait until it answers.

        Raises:
            FixableError: it ended, or does not answer; the message has the end of its log.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self.ended() or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace")[-1000:]
                raise FixableError(f"{self.ready} does not answer; the end of its log:\n{tail}")
            time.sleep(0.05)

    def start(self) -> None:
        """Start it and wait until it answers; raises as `wait` does."""
        self.launch()
        self.wait()

    def ended(self) -> bool:
        return self.child is None or self.child.poll() is not None

    def signal(self, number: signal.Signals) -> None:
        if self.child and self.child.poll() is None:
            self.child.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self.child:
            self.child.wait(STOP_SECONDS)

    def stop(self) -> None:
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            if self.child:
                self.child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _answers(self) -> bool:
        try:
            return httpx.get(self.ready, timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False
