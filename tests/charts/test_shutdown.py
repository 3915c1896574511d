"""SIGTERM to the embedded runtime, started by its image's command in its chart's environment."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.charts.helm import ROOT, Render, container, environment
from tests.charts.images import commands
from tests.waiting import until, within

SECONDS = 20  # without a byte of a response
DEV, PROD = 0, 1  # the order of the Dockerfile's targets
targets = pytest.mark.parametrize("target", [DEV, PROD], ids=["dev", "prod"])


@dataclass
class Server:
    """The runtime in a process of its own, and a client of it."""

    process: asyncio.subprocess.Process
    http: httpx.AsyncClient

    async def generate(self, started: asyncio.Event | None = None) -> list[dict[str, Any]]:
        """Return the lines of a streamed generation; set `started` at its first one."""
        lines = []
        body = {"model": "smollm2:135m", "prompt": "Hi"}
        async with self.http.stream("POST", "/api/generate", json=body) as response:
            async for line in response.aiter_lines():
                lines.append(json.loads(line))
                if started:
                    started.set()
        return lines

    async def reaches(self, *metrics: str) -> None:
        """Wait until these are lines of its metrics."""

        async def lines() -> list[str]:
            return (await self.http.get("/metrics")).text.splitlines()

        await until(f"{metrics}", lines, set(metrics).issubset)

    async def is_ready(self) -> bool:
        assert self.process.returncode is None, "the server ended"
        with contextlib.suppress(httpx.TransportError):
            return (await self.http.get("/ready")).status_code == 200
        return False

    async def ends(self) -> None:
        """Wait for its end: with 0, or by the signal that uvicorn raises again once it is done."""
        assert await within("the server to end", self.process.wait()) in (0, -signal.SIGTERM)


@contextlib.asynccontextmanager
async def serving(
    render: Render, target: int, *values: str, tokens: int, token_seconds: float
) -> AsyncIterator[Server]:
    objects = render("llm-runtime", "engine=simulated", *values)
    variables = environment(container(objects)) | {
        "PYTHONPATH": str(ROOT),
        "RUNTIME_SIMULATED_TOKENS": str(tokens),
        "RUNTIME_SIMULATED_TOKEN_SECONDS": str(token_seconds),
    }
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    arguments = [port if word == "11434" else word for word in commands("runtime")[target]]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, cwd=ROOT / "runtime", env=variables, start_new_session=True
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=SECONDS) as http:
            server = Server(process, http)
            await until("the server to be ready", server.is_ready)
            yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the development server has children
        await process.wait()


@targets
async def test_requests_that_run_or_wait_at_sigterm_are_finished(render: Render, target: int) -> None:
    async with serving(render, target, "slots=1", tokens=20, token_seconds=0.05) as server:
        generations = [asyncio.create_task(server.generate()) for _ in range(2)]
        await server.reaches("llm_runtime_requests_running 1.0", "llm_runtime_requests_waiting 1.0")
        server.process.terminate()
        for lines in await asyncio.gather(*generations):
            assert (lines[-1]["done"], lines[-1]["eval_count"]) == (True, 20)
        await server.ends()


@targets
async def test_the_charts_grace_period_bounds_a_generation(render: Render, target: int) -> None:
    async with serving(render, target, "shutdownGraceSeconds=1", tokens=1000, token_seconds=0.5) as server:
        started = asyncio.Event()
        generation = asyncio.create_task(server.generate(started))
        await within("the first token", started.wait())
        server.process.terminate()
        await server.ends()
        assert "error" in (await generation)[-1]
