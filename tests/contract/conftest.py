"""The runtimes that the one set of cases is run against, each a server of its own on loopback."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

RUNTIME = Path(__file__).parents[2] / "runtime"
SECONDS_TO_START = 60
OLLAMA_URL = os.environ.get("OLLAMA_URL", "").rstrip("/")


@dataclass(frozen=True)
class Target:
    """A running runtime, and the model to ask it for."""

    kind: str
    url: str
    model: str


@pytest.fixture(scope="session", params=["simulated", "embedded", *(["ollama"] if OLLAMA_URL else [])])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    if request.param == "ollama":
        yield Target("ollama", OLLAMA_URL, os.environ.get("OLLAMA_MODEL", "gemma3:270m"))
        return
    engine = "llamacpp" if request.param == "embedded" else "simulated"
    yield from _serve(request.param, engine)


def _serve(kind: str, engine: str) -> Iterator[Target]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--log-level", "warning"]
    environment = os.environ | {"RUNTIME_ENGINE": engine, "RUNTIME_SLOTS": "2"}
    with subprocess.Popen(command, cwd=RUNTIME, env=environment) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait(f"{url}/ready", server)
            yield Target(kind, url, "smollm2:135m")
        finally:
            server.terminate()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(url).is_success:
                return
        except httpx.ConnectError:
            pass
        time.sleep(0.1)
    pytest.fail(f"{url} did not answer; the server's exit status is {server.poll()}")


@pytest.fixture
def http(target: Target) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=target.url, timeout=100) as client:
        yield client


@pytest.fixture
def body(target: Target) -> dict[str, Any]:
    """A small, repeatable request without its prompt or messages."""
    return {"model": target.model, "options": {"temperature": 0, "seed": 7, "num_predict": 12}}
