"""Run the services and other programs on loopback while a test needs them."""

import os
import random
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from dev.settings import PROTOCOLS
from tests.waiting import equals, until_sync

ROOT = Path(__file__).parents[1]
PATIENCE = 60
"""Seconds until a program must answer; far more than it needs."""
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP: loading the certificates of others takes each of them 30 ms of CPU time."""


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
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail(f"{command} did not end within {PATIENCE} s of SIGTERM. Its log:\n{_tail(log)}")


@contextmanager
def service(name: str, log: Path, ready: str = "/ready", **settings: str) -> Iterator[str]:
    """Run `api` or `runtime` from its folder with these environment variables; yield its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    where = ["--host", "127.0.0.1", "--port", str(port), "--http", PROTOCOLS[name]]
    # As in the image: a client of a busy machine sends its next request later than uvicorn's default of 5 s.
    command = [sys.executable, "-m", "uvicorn", "main:app", *where, "--timeout-keep-alive", "100"]
    with running(command, ROOT / name, f"{address}{ready}", log, **settings):
        yield address


def free_port(host: str = "127.0.0.1") -> int:
    """Return a free port, below the range from which a client could get it before the server listens."""
    while True:
        port = random.randrange(10_000, 30_000)  # noqa: S311 - no secret
        with socket.socket() as probe, suppress(OSError):
            probe.bind((host, port))
            return port


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    def look() -> str:
        if process.poll() is not None:
            pytest.fail(f"{process.args!r} exited with {process.returncode}. Its log:\n{_tail(log)}")
        try:
            return f"status {httpx.get(address, timeout=5, trust_env=False, verify=PLAIN).status_code}"
        except httpx.TransportError as error:
            return repr(error)

    try:
        until_sync(f"status 200 from {address}", look, equals("status 200"), seconds=PATIENCE)
    except AssertionError as error:
        error.add_note(f"Its log:\n{_tail(log)}")
        raise


def _tail(log: Path) -> str:
    return log.read_text()[-2000:]
