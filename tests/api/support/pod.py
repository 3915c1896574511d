"""The gateway in a process of its own, as a pod runs it, in front of a simulated runtime."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.support.in_process import MODEL
from tests.api.support.live import Live
from tests.processes import ROOT, free_port
from tests.waiting import equals, until, within


@dataclass
class Pod:
    """A gateway in a process of its own."""

    http: httpx.AsyncClient
    process: asyncio.subprocess.Process

    async def admission_reaches(self, *, running: int, waiting: int) -> None:
        """Wait until its metrics show so many running and waiting requests."""
        expected = {f"llm_requests_running {running}.0", f"llm_requests_waiting {waiting}.0"}

        async def gauges() -> list[str]:
            lines = (await self.http.get("/metrics")).text.splitlines()
            return [line for line in lines if line.startswith("llm_requests_")]

        await until(f"{expected} in the metrics", gauges, lambda lines: expected <= set(lines))

    async def generate(self, *, stream: bool) -> tuple[int, list[dict[str, Any]]]:
        """Return the status and the lines of a response."""
        response = await self.http.post("/generate", json={"prompt": "Hello", "stream": stream})
        return response.status_code, [json.loads(line) for line in response.text.splitlines()]

    async def drains(self) -> None:
        """Wait until it is not ready because it shuts down."""

        async def ready() -> int:
            return (await self.http.get("/ready")).status_code

        await until("the gateway to drain", ready, equals(503))

    async def exits(self) -> None:
        """Wait for a graceful exit: with 0, or with the signal, which uvicorn raises again at the end."""
        assert await within("the gateway to exit", self.process.wait()) in (0, -signal.SIGTERM)


@contextlib.asynccontextmanager
async def pod(live: Live, *options: str, **settings: str) -> AsyncIterator[Pod]:
    """Run a gateway in front of the simulated runtime of `live`, with options of uvicorn."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LLM_")}
    runtime = {"LLM_RUNTIME_URL": str(live.runtime.base_url), "LLM_MODEL": MODEL}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--no-access-log", *options),
        cwd=ROOT / "api",
        env=inherited | runtime | settings,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:

            async def ready() -> int | str:
                assert process.returncode is None, f"the gateway exited with {process.returncode}"
                try:
                    return (await http.get("/ready")).status_code
                except httpx.TransportError as error:
                    return repr(error)

            await until("the gateway to be ready", ready, equals(200))
            yield Pod(http, process)
    finally:
        if process.returncode is None:
            process.kill()
            await within("the gateway to be killed", process.wait())
