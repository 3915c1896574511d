"""The servers as child processes, each on its core: the simulated runtime, the gateway, and others."""

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

ROOT = Path(__file__).resolve().parent.parent
MODEL = "simulated:bench"
SECONDS_TO_START = 120.0
SECONDS_TO_STOP = 20.0
PLACES = 256  # in the runtime and the gateway: more than are ever asked for at once
OWN = ("LLM_", "RUNTIME_", "LITELLM_")


@dataclass(frozen=True)
class Server:
    """A running server."""

    name: str
    url: str
    process: int


@dataclass(frozen=True)
class Recipe:
    """How to start a server; {port} stands for its port."""

    name: str
    command: Sequence[str]
    folder: Path
    settings: Mapping[str, str]
    ready: str  # the path that answers 200 once it can serve


def uvicorn(*more: str, profile: Path | None = None) -> list[str]:
    """The command of one of our own services, as its Dockerfile has it but for the log."""
    start = ["-m", "uvicorn"] if profile is None else [str(ROOT / "bench/profiled.py"), str(profile)]
    options = ["--host", "127.0.0.1", "--port", "{port}", "--no-access-log", "--log-level", "warning"]
    return [sys.executable, *start, "main:app", *options, *more]


def runtime() -> Recipe:
    """The simulated runtime without delays, its places more than are asked for.

    Like Ollama it keeps idle connections open: who waits for their turn finds theirs as they left it.
    """
    settings = {
        "RUNTIME_ENGINE": "simulated",
        "RUNTIME_MODEL": MODEL,
        "RUNTIME_SIMULATED_SLOTS": str(PLACES),
    }
    keep_open = ("--timeout-keep-alive", "3600")
    return Recipe("runtime", uvicorn(*keep_open), ROOT / "runtime", settings, "/ready")


def gateway(runtime_url: str, log_level: str, profile: Path | None = None) -> Recipe:
    """The gateway as it is deployed: one worker; with `profile`, under cProfile."""
    settings = {
        "LLM_RUNTIME_URL": runtime_url,
        "LLM_MODEL": MODEL,
        "LLM_MAX_RUNNING": str(PLACES),
        "LLM_MAX_WAITING": str(PLACES),
        "LLM_LOG_LEVEL": log_level,
        "LLM_LOG_FORMAT": "json",
    }
    protocol = ("--http", "llm_api.server.limits:Protocol")
    return Recipe("gateway", uvicorn(*protocol, profile=profile), ROOT / "api", settings, "/ready")


def canned() -> Recipe:
    """A server that answers the same bytes to everything: what the load generator can do at most."""
    command = [sys.executable, "-m", "bench.canned", "{port}"]
    return Recipe("canned", command, ROOT, {}, "/")


def environment(inherited: Mapping[str, str], settings: Mapping[str, str]) -> dict[str, str]:
    """The inherited environment without settings of the services, and the given ones."""
    return {key: value for key, value in inherited.items() if not key.startswith(OWN)} | dict(settings)


@contextmanager
def serve(recipe: Recipe, core: int, out: Path) -> Iterator[Server]:
    """The server until the context ends; what it says goes to a file in `out`.

    Raises:
        BenchError: it does not get ready.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [part.replace("{port}", port) for part in recipe.command]
    log = out / f"bench-{recipe.name}.log"
    with log.open("w") as words, machine.pinned(core):
        child = subprocess.Popen(  # noqa: S603 - our own commands
            command,
            cwd=recipe.folder,
            env=environment(os.environ, recipe.settings),
            stdout=words,
            stderr=subprocess.STDOUT,
        )
    try:
        server = Server(recipe.name, f"http://127.0.0.1:{port}", child.pid)
        wait(f"{server.url}{recipe.ready}", child, recipe.name, log)
        yield server
    finally:
        stop(child)


def wait(url: str, child: subprocess.Popen[bytes], name: str, log: Path) -> None:
    """Until the URL answers 200.

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
    ended = "does not get ready" if child.poll() is None else f"ended with status {child.returncode}"
    last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise BenchError(f"the {name} {ended}; {log} says:\n{last}")


def stop(child: subprocess.Popen[bytes]) -> None:
    """End a server, hard if it does not listen."""
    child.terminate()
    try:
        child.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
