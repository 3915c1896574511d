"""SIGTERM: not ready any more, what runs and waits ends within the grace period, no answer is lost."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.api.conftest import MODEL, Live, Open, Serve, until
from tests.api.support.asking import error_of
from tests.api.support.wire import free_port

API = Path(__file__).resolve().parents[2] / "api"


@dataclass
class Pod:
    """A gateway in a process of its own, before the simulated runtime of `live`."""

    live: Live
    http: httpx.AsyncClient
    process: asyncio.subprocess.Process

    async def gauges(self, *, running: int, waiting: int) -> None:
        """Wait until its metrics say so."""
        wanted = {f"llm_requests_running {running}.0", f"llm_requests_waiting {waiting}.0"}
        while not wanted <= set((await self.http.get("/metrics")).text.splitlines()):
            await asyncio.sleep(0.02)

    async def ask(self, *, stream: bool) -> tuple[int, list[dict[str, Any]]]:
        """The status and the lines of an answer."""
        answer = await self.http.post("/generate", json={"prompt": "Hello", "stream": stream})
        return answer.status_code, [json.loads(line) for line in answer.text.splitlines()]

    async def ends(self) -> None:
        """It ends as asked: with 0, or by uvicorn's raising the signal again when all is done."""
        assert await self.process.wait() in (0, -signal.SIGTERM)


@contextlib.asynccontextmanager
async def pod(live: Live, **settings: str) -> AsyncIterator[Pod]:
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LLM_")}
    runtime = {"LLM_RUNTIME_URL": str(live.runtime.base_url), "LLM_MODEL": MODEL}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--no-access-log"),
        cwd=API,
        env=inherited | runtime | settings,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            while True:
                assert process.returncode is None
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get("/ready")).status_code == 200:
                        break
                await asyncio.sleep(0.05)
            yield Pod(live, http, process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_none_who_runs_or_waits_at_sigterm_loses_its_answer(serve: Serve) -> None:
    live = await serve(
        behavior={"slots": 64, "first_token_seconds": 0.5, "token_seconds": 0.05, "tokens": 10}
    )
    async with pod(live, LLM_MAX_RUNNING="2", LLM_MAX_WAITING="4") as it:
        asked = [asyncio.create_task(it.ask(stream=number % 2 == 0)) for number in range(6)]
        await it.gauges(running=2, waiting=4)
        it.process.terminate()
        for status, lines in await asyncio.gather(*asked):
            assert (status, lines[-1]["done"], lines[-1]["usage"]["generated_tokens"]) == (200, True, 10)
        await it.ends()
    state = await live.simulator()
    assert (state["completed"], state["cancelled"]) == (6, 0)


async def test_what_has_not_ended_within_the_grace_period_is_told_so(serve: Serve) -> None:
    live = await serve()
    await live.simulate(fault={"kind": "hang", "after_tokens": 1, "times": None})
    async with pod(live, LLM_MAX_RUNNING="2", LLM_SHUTDOWN_GRACE_SECONDS="0.3") as it:
        running = [asyncio.create_task(it.ask(stream=stream)) for stream in (True, False)]
        await it.gauges(running=2, waiting=0)
        waiting = asyncio.create_task(it.ask(stream=True))
        await it.gauges(running=2, waiting=1)
        it.process.terminate()
        (streamed, (piece, last)), (plain, (told,)) = await asyncio.gather(*running)
        assert (streamed, piece["done"]) == (200, False)
        message = "this replica is shutting down, and the request was still generating"
        assert last["error"]["message"] == message
        assert (plain, told["error"]["code"]) == (504, "timeout")
        status, (told,) = await waiting
        assert (status, told["error"]["code"]) == (504, "timeout")
        await it.ends()
    await live.simulator_reaches(running=0)


async def test_a_replica_that_stops_is_not_ready_and_still_answers(open_gateway: Open) -> None:
    opened = await open_gateway(shutdown_grace_seconds=60)
    opened.runtime.post("/api/generate").respond(json={"response": "Hello", "done": True})
    opened.gateway.drain()
    not_ready = await opened.http.get("/ready")
    error_of(not_ready, 503, "shutting_down")
    assert not_ready.headers["retry-after"] == "1"
    assert (await opened.http.get("/health")).status_code == 200
    assert (await opened.http.post("/generate", json={"prompt": "Hello"})).status_code == 200


async def test_a_deadline_before_the_end_of_the_grace_period_stays(open_gateway: Open) -> None:
    opened = await open_gateway(max_running=1, request_timeout_seconds=0.2, shutdown_grace_seconds=3600)
    async with opened.gateway.admission.slot():
        asked = asyncio.create_task(opened.http.post("/generate", json={"prompt": "Hello"}))
        await until(lambda: opened.gateway.admission.waiting == 1)
        opened.gateway.drain()
        error_of(await asked, 504, "timeout")


async def test_a_drain_ends_all_within_the_grace_period_though_one_deadline_is_just_over(
    open_gateway: Open,
) -> None:
    opened = await open_gateway(max_running=9, request_timeout_seconds=0.05, shutdown_grace_seconds=0)
    closing, closed = asyncio.Event(), asyncio.Event()

    async def slow_to_close(_: httpx.Request) -> httpx.Response:
        try:
            await asyncio.Event().wait()
        finally:
            closing.set()
            await closed.wait()
        raise AssertionError

    opened.runtime.post("/api/generate").mock(side_effect=slow_to_close)
    late = asyncio.create_task(opened.http.post("/generate", json={"prompt": "Hello"}))
    await closing.wait()
    opened.gateway.settings.request_timeout_seconds = 3600
    other = asyncio.create_task(opened.http.post("/generate", json={"prompt": "Hello"}))
    await until(lambda: opened.gateway.admission.running == 2)
    try:
        opened.gateway.drain()
    finally:
        closed.set()
    for answer in await asyncio.gather(late, other):
        error_of(answer, 504, "timeout")
