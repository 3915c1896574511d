"""SIGTERM: the replica stops being ready, requests get the grace period to finish, and none is lost."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from dev.settings import PROTOCOLS
from tests.api.support.errors import error_of
from tests.api.support.in_process import Open
from tests.api.support.live import Live, Serve, admission_reaches
from tests.api.support.pod import Pod, pod
from tests.api.support.requests import generate
from tests.waiting import until, within


async def test_requests_that_run_or_wait_at_sigterm_are_finished(serve: Serve) -> None:
    live = await serve(
        behavior={"slots": 64, "first_token_seconds": 0.5, "token_seconds": 0.05, "tokens": 10}
    )
    async with pod(live, LLM_MAX_RUNNING="2", LLM_MAX_WAITING="4") as gateway:
        requests = [asyncio.create_task(gateway.generate(stream=n % 2 == 0)) for n in range(6)]
        await gateway.admission_reaches(running=2, waiting=4)
        gateway.process.terminate()
        for status, lines in await asyncio.gather(*requests):
            assert (status, lines[-1]["done"], lines[-1]["usage"]["generated_tokens"]) == (200, True, 10)
        await gateway.exits()
    state = await live.simulator()
    assert (state["completed"], state["cancelled"]) == (6, 0)


async def test_requests_that_outlast_the_grace_period_end_with_an_error(serve: Serve) -> None:
    live = await serve()
    await live.simulate(fault={"kind": "hang", "after_tokens": 1, "times": None})
    async with pod(live, LLM_MAX_RUNNING="2", LLM_SHUTDOWN_GRACE_SECONDS="0.3") as gateway:
        running = [asyncio.create_task(gateway.generate(stream=stream)) for stream in (True, False)]
        await gateway.admission_reaches(running=2, waiting=0)
        waiting = asyncio.create_task(gateway.generate(stream=True))
        await gateway.admission_reaches(running=2, waiting=1)
        gateway.process.terminate()
        (streamed, (piece, last)), (plain, (error,)) = await asyncio.gather(*running)
        assert (streamed, piece["done"]) == (200, False)
        message = "this replica is shutting down, and the request was still generating"
        assert last["error"]["message"] == message
        assert (plain, error["error"]["code"]) == (504, "timeout")
        status, (error,) = await waiting
        assert (status, error["error"]["code"]) == (504, "timeout")
        await gateway.exits()
    await live.simulator_reaches(running=0)


async def test_a_replica_serves_new_connections_until_none_has_come_for_a_while(serve: Serve) -> None:
    live = await serve(behavior={"slots": 64, "tokens": 1})
    async with pod(live, LLM_SHUTDOWN_QUIET_SECONDS="4") as gateway:
        gateway.process.terminate()
        await gateway.drains()
        for _ in range(12):
            response = await gateway.http.post("/generate", json={"prompt": "Hello"})
            assert (response.status_code, response.headers["connection"]) == (200, "close")
            last = time.monotonic()
            await asyncio.sleep(0.4)
        await gateway.exits()
        assert time.monotonic() - last >= 3.5


async def test_a_replica_serves_on_while_it_still_generates(serve: Serve) -> None:
    live = await serve()
    await live.simulate(fault={"kind": "hang", "after_tokens": 1, "times": 1})
    async with pod(live, LLM_SHUTDOWN_QUIET_SECONDS="0.1", LLM_SHUTDOWN_GRACE_SECONDS="6") as gateway:
        hanging = asyncio.create_task(gateway.generate(stream=True))
        await gateway.admission_reaches(running=1, waiting=0)
        gateway.process.terminate()
        await asyncio.sleep(1)
        assert (await gateway.generate(stream=False))[0] == 200
        _, lines = await hanging
        assert lines[-1]["error"]["code"] == "timeout"
        await gateway.exits()


async def test_the_grace_period_bounds_a_drain_that_never_gets_quiet(serve: Serve) -> None:
    live = await serve(behavior={"slots": 64, "tokens": 1})
    async with pod(live, LLM_SHUTDOWN_QUIET_SECONDS="5", LLM_SHUTDOWN_GRACE_SECONDS="1") as gateway:
        gateway.process.terminate()

        async def refused() -> bool:
            try:
                await gateway.generate(stream=False)
            except httpx.TransportError:
                return True
            return False

        await until("the gateway to stop listening", refused)
        await gateway.exits()


@asynccontextmanager
async def keeping(live: Live, seconds: str, **settings: str) -> AsyncIterator[tuple[Pod, httpx.AsyncClient]]:
    """Run a gateway that keeps idle connections for so long, and yield it with a client that does."""
    options = ("--http", PROTOCOLS["api"], "--timeout-keep-alive", seconds)
    kept = httpx.Limits(keepalive_expiry=None)
    async with (
        pod(live, *options, LLM_SHUTDOWN_QUIET_SECONDS="0.1", **settings) as gateway,
        httpx.AsyncClient(base_url=gateway.http.base_url, limits=kept, trust_env=False) as client,
    ):
        yield gateway, client


async def test_a_kept_connection_is_served_until_its_client_leaves(serve: Serve) -> None:
    live = await serve(behavior={"slots": 64, "tokens": 1})
    async with keeping(live, seconds="100", LLM_SHUTDOWN_GRACE_SECONDS="30") as (gateway, client):
        assert "connection" not in (await client.post("/generate", json={"prompt": "Hello"})).headers
        gateway.process.terminate()
        await gateway.drains()
        await asyncio.sleep(1)  # ten times as long as it has to be quiet
        response = await client.post("/generate", json={"prompt": "Hello"})
        assert (response.status_code, response.headers["connection"]) == (200, "close")
        await gateway.exits()


async def test_a_kept_connection_of_a_scraper_holds_up_no_shutdown(serve: Serve) -> None:
    live = await serve()
    async with keeping(live, seconds="3600", LLM_SHUTDOWN_GRACE_SECONDS="3600") as (gateway, client):
        assert "connection" not in (await client.get("/metrics")).headers
        gateway.process.terminate()
        await gateway.exits()


async def test_a_second_sigterm_ends_the_wait_for_quiet(serve: Serve) -> None:
    live = await serve()
    async with pod(live, LLM_SHUTDOWN_QUIET_SECONDS="50") as gateway:
        gateway.process.terminate()
        await gateway.drains()
        gateway.process.terminate()
        await gateway.exits()


async def test_a_replica_that_shuts_down_is_not_ready_but_still_answers(open_gateway: Open) -> None:
    app = await open_gateway(shutdown_grace_seconds=60)
    app.runtime.post("/api/generate").respond(json={"response": "Hello", "done": True})
    app.gateway.drain()
    not_ready = await app.http.get("/ready")
    error_of(not_ready, 503, "shutting_down")
    assert not_ready.headers["retry-after"] == "1"
    assert (await app.http.get("/health")).status_code == 200
    assert (await generate(app)).status_code == 200


async def test_the_grace_period_does_not_extend_a_deadline(open_gateway: Open) -> None:
    app = await open_gateway(max_running=1, request_timeout_seconds=0.2, shutdown_grace_seconds=3600)
    async with app.gateway.admission:
        request = asyncio.create_task(app.http.post("/generate", json={"prompt": "Hello"}))
        await admission_reaches(app.gateway, running=1, waiting=1)
        app.gateway.drain()
        error_of(await request, 504, "timeout")


async def test_a_drain_is_not_disturbed_by_a_deadline_that_has_just_expired(open_gateway: Open) -> None:
    app = await open_gateway(max_running=9, request_timeout_seconds=0.05, shutdown_grace_seconds=0)
    closing, closed = asyncio.Event(), asyncio.Event()

    async def close_slowly(_: httpx.Request) -> httpx.Response:
        try:
            await asyncio.Event().wait()
        finally:
            closing.set()
            await closed.wait()
        raise AssertionError

    app.runtime.post("/api/generate").mock(side_effect=close_slowly)
    late = asyncio.create_task(app.http.post("/generate", json={"prompt": "Hello"}))
    await within("the first deadline to expire", closing.wait())
    app.gateway.settings.request_timeout_seconds = 3600
    other = asyncio.create_task(app.http.post("/generate", json={"prompt": "Hello"}))
    await admission_reaches(app.gateway, running=2, waiting=0)
    try:
        app.gateway.drain()
    finally:
        closed.set()
    for response in await asyncio.gather(late, other):
        error_of(response, 504, "timeout")
