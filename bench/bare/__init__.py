"""A bare FastAPI app that uvicorn reloads, to compare with: as a process, or in the cluster under Tilt."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from bench.saving import App, wait
from dev.doctor import tools
from dev.settings import CONTEXT

FOLDER = Path(__file__).parent
START_SECONDS = 300
"""In the cluster an image is built first."""


def free_port() -> int:
    """Return a port that no process listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: Sequence[str], folder: Path) -> Iterator[None]:
    """Run a command without its output; end it, and all that it started, with the block."""
    silent = subprocess.DEVNULL
    process = subprocess.Popen(  # noqa: S603 - our own commands
        command, cwd=folder, stdout=silent, stderr=silent, start_new_session=True
    )
    try:
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


@contextmanager
def copy() -> Iterator[Path]:
    """Yield a folder with a copy of the app."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(shutil.copytree(FOLDER, Path(folder) / "bare"))


@contextmanager
def local() -> Iterator[App]:
    """Serve the app as a process."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--reload"]
    with copy() as folder, running(command, folder):
        app = App("a bare app", f"http://127.0.0.1:{port}", folder / "main.py")
        wait(app.url, None, START_SECONDS)
        yield app


@contextmanager
def cluster() -> Iterator[App]:
    """Serve the app in the cluster, by a Tilt of its own; remove it at the end."""
    port, page = free_port(), free_port()
    tilt = [tools.path("tilt")]
    command = [*tilt, "up", "--context", CONTEXT, "--port", str(page), "--", f"--port={port}"]
    with copy() as folder:
        try:
            with running(command, folder):
                app = App("a bare app", f"http://127.0.0.1:{port}", folder / "main.py", tilt=page)
                wait(app.url, None, START_SECONDS)
                yield app
        finally:
            down = [*tilt, "down", "--context", CONTEXT, "--", f"--port={port}"]
            subprocess.run(down, cwd=folder, check=False)  # noqa: S603


PLACES: dict[str, Callable[[], AbstractContextManager[App]]] = {"local": local, "cluster": cluster}
