"""The servers as child processes, each pinned to a core: the simulated runtime, the gateway and others."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import BenchError, machine
from dev.settings import PROTOCOLS

ROOT = Path(__file__).resolve().parent.parent
MODEL = "simulated:bench"
SECONDS_TO_START = 120.0
SECONDS_TO_STOP = 20.0
SLOTS = 1024  # of the runtime and the gateway: more than are ever used at a time
OWN_PREFIXES = ("LLM_", "RUNTIME_", "LITELLM_")


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    url: str
    process: int


@dataclass(frozen=True)
class Recipe:
    """How to start a server; {port} in the command stands for its port."""

    name: str
    command: Sequence[str]
    folder: Path
    settings: Mapping[str, str]
    ready: str  # a path that returns 200 once the server can serve


def uvicorn(*more: str) -> list[str]:
    """Return the command of one of our own services: that of its image, except for the log level."""
    options = ["--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "warning"]
    return [sys.executable, "-m", "uvicorn", "main:app", *options, *more]


def runtime() -> Recipe:
    """Return how to start the simulated runtime, without delays.

    Like Ollama, it keeps idle connections open, so that none is closed while the other targets are measured.
    """
    settings = {
        "RUNTIME_ENGINE": "simulated",
        "RUNTIME_MODEL": MODEL,
        "RUNTIME_SIMULATED_SLOTS": str(SLOTS),
    }
    options = ("--http", PROTOCOLS["runtime"], "--timeout-keep-alive", "3600")
    return Recipe("runtime", uvicorn(*options), ROOT / "runtime", settings, "/ready")


def gateway(runtime_url: str, log_level: str) -> Recipe:
    """Return how to start the gateway as it is deployed, with one worker."""
    settings = {
        "LLM_RUNTIME_URL": runtime_url,
        "LLM_MODEL": MODEL,
        "LLM_MAX_RUNNING": str(SLOTS),
        "LLM_MAX_WAITING": str(SLOTS),
        "LLM_LOG_LEVEL": log_level,
        "LLM_LOG_FORMAT": "json",
    }
    protocol = ("--http", PROTOCOLS["api"], "--no-proxy-headers")
    return Recipe("gateway", uvicorn(*protocol), ROOT / "api", settings, "/ready")


def canned() -> Recipe:
    """Return how to start a server that does nothing: it shows the load generator's own limit."""
    command = [sys.executable, "-m", "bench.canned", "{port}"]
    return Recipe("canned", command, ROOT, {}, "/")


def environment(inherited: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """Return the inherited environment without any settings of the services, plus the given ones."""
    return {key: value for key, value in inherited.items() if not key.startswith(OWN_PREFIXES)} | dict(
        settings
    )


@contextmanager
def serve(recipe: Recipe, core: int, out: Path) -> Iterator[Server]:
    """Run a server until the block ends; its output goes to a file in `out`.

    Raises:
        BenchError: it does not become ready.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [part.replace("{port}", port) for part in recipe.command]
    log = out / f"bench-{recipe.name}.log"
    with log.open("w") as output, machine.pinned(core):
        child = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            cwd=recipe.folder,
            env=environment(os.environ, recipe.settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        server = Server(recipe.name, f"http://127.0.0.1:{port}", child.pid)
        wait(f"{server.url}{recipe.ready}", child, recipe.name, log)
        yield server
    finally:
        stop(child)


def wait(url: str, child: subprocess.Popen[bytes], name: str, log: Path) -> None:
    """Wait until the URL returns 200.

    Raises:
        BenchError: the server ended, or took longer than SECONDS_TO_START.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    with httpx.Client(trust_env=False, timeout=5) as http:
        while child.poll() is None and time.monotonic() < deadline:
            try:
                if http.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
    state = "is not ready" if child.poll() is None else f"exited with status {child.returncode}"
    last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise BenchError(f"the {name} {state}; {log} ends with:\n{last}")


def stop(child: subprocess.Popen[bytes]) -> None:
    """Terminate a server; kill it if that takes longer than SECONDS_TO_STOP."""
    child.terminate()
    try:
        child.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
