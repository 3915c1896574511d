"""A real server of Ollama's API on this machine: the embedded runtime with its simulated engine."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from dev.settings import ROOT
from tests.waiting import until_sync

MODEL = "hosted:1b"


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def host_ollama(address: str = "127.0.0.1", model: str = MODEL) -> Iterator[int]:
    """Serve a model at a free port of an address while the block runs; yields the port."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "main:app", "--host", address, "--port", str(port)]
    environment = {**os.environ, "RUNTIME_ENGINE": "simulated", "RUNTIME_MODEL": model}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def version() -> object:
        if server.poll() is not None:
            raise AssertionError(f"the runtime ended with status {server.returncode}")
        try:
            return json.load(opener.open(f"http://127.0.0.1:{port}/api/version", timeout=2))
        except OSError as error:
            return error

    with subprocess.Popen(
        command, cwd=ROOT / "runtime", env=environment, stderr=subprocess.DEVNULL
    ) as server:
        try:
            until_sync("the runtime's version", version, lambda answer: isinstance(answer, dict))
            yield port
        finally:
            server.terminate()
