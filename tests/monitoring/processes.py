"""Run the services, and other programs, on loopback while a test needs them."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 60
"""Seconds until a program must answer; far more than it needs."""


@contextmanager
def running(command: list[str], folder: Path, ready: str, log: Path, **environment: str) -> Iterator[None]:
    """Run a program until the block ends; the block starts once `ready` answers 200."""
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_ready(process, ready, log)
        yield
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


@contextmanager
def service(name: str, log: Path, ready: str = "/ready", **settings: str) -> Iterator[str]:
    """Run `api` or `runtime` from its folder with these environment variables; yield its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "uvicorn", "main:app", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, ROOT / name, f"{address}{ready}", log, **settings):
        yield address


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    seen = "nothing yet"
    while time.monotonic() < deadline and process.poll() is None:
        try:
            response = httpx.get(address, trust_env=False)
        except httpx.TransportError as error:
            seen = repr(error)
        else:
            if response.status_code == 200:
                return
            seen = f"status {response.status_code}"
        time.sleep(0.1)
    state = "is running" if process.poll() is None else f"exited with {process.returncode}"
    pytest.fail(f"waited for 200 from {address}, saw {seen}; it {state}. Its log:\n{log.read_text()[-2000:]}")
