"""A real server of Ollama's API on this machine: the embedded runtime with its simulated engine."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dev.settings import ROOT
from tests.processes import free_port, running

MODEL = "hosted:1b"


@contextmanager
def host_ollama(address: str = "127.0.0.1") -> Iterator[int]:
    """Serve MODEL at a free port of an address while the block runs; yields the port."""
    port = free_port(address)
    command = [sys.executable, "-m", "uvicorn", "main:app", "--host", address, "--port", str(port)]
    ready = f"http://127.0.0.1:{port}/ready"
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with running(command, ROOT / "runtime", ready, log, RUNTIME_ENGINE="simulated", RUNTIME_MODEL=MODEL):
            yield port
