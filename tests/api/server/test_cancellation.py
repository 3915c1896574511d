"""Clients that leave: their generation ends, their slot is freed, and nothing of them stays open."""

import asyncio
import os
from contextlib import suppress

import pytest
from llm_api.dialects.dialect import GenerationRequest
from llm_api.server.connection import while_connected
from llm_api.server.generation import answer
from llm_api.server.limits import Protocol
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from tests.api.support.in_process import MODEL
from tests.api.support.live import Serve
from tests.api.support.requests import BODIES
from tests.api.support.sockets import connected, post
from tests.waiting import equals, until, within

HOUR = 3600
AT_ONCE = {"first_token_seconds": 0, "token_seconds": 0}
STUCK_IN = {"prefill": {"first_token_seconds": HOUR}, "decode": {"token_seconds": HOUR}}


@pytest.mark.parametrize("route", list(BODIES))
@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_ends_the_generation_and_frees_its_slot(
    serve: Serve, stream: bool, route: str
) -> None:
    live = await serve(max_running=1)
    for count, (phase, behavior) in enumerate(STUCK_IN.items(), 1):
        await live.simulate(behavior=AT_ONCE | behavior)
        leaving = await post(live.url, BODIES[route] | {"stream": stream}, route)
        await live.simulator_reaches(running=1)
        assert live.metric("llm_requests_running") == 1
        leaving.close()
        state = await live.simulator_reaches(running=0, cancelled=count)
        assert state["record"][-1]["phase"] == phase
        await live.admission_reaches(running=0, waiting=0)
        await live.outcomes_reach(count, "cancelled", route)
    await live.simulate(behavior=AT_ONCE)
    assert (await live.http.post(route, json=BODIES[route])).status_code == 200


async def test_a_client_that_leaves_in_the_middle_of_its_stream_ends_the_generation(serve: Serve) -> None:
    live = await serve(behavior={"tokens": 10_000, "token_seconds": 0.001})
    leaving = await post(live.url, {"prompt": "Hello", "stream": True})
    await leaving.until(b'"done":false}')
    leaving.close()
    state = await live.simulator_reaches(running=0, cancelled=1)
    assert state["record"][0]["generated_tokens"] < 10_000
    await live.outcomes_reach(1, "cancelled")
    assert live.metric("llm_time_to_first_token_seconds_count", model=MODEL) == 1
    assert live.metric("llm_inference_seconds_count", model=MODEL) == 0


async def test_a_client_that_leaves_after_the_server_has_paused_reading_is_noticed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uvicorn pauses at a large body, and only reading shows the end of a connection."""

    async def paused(request: Request, body: GenerationRequest) -> Response:
        for connection in Protocol.open_connections:
            connection.flow.pause_reading()
        return await answer(request, body)

    monkeypatch.setattr("api.main.answer", paused)
    live = await serve(behavior={"first_token_seconds": HOUR})
    leaving = await post(live.url, {"prompt": "Hello"})
    await live.simulator_reaches(running=1)
    leaving.close()
    await live.simulator_reaches(running=0, cancelled=1)


async def test_under_a_server_that_only_answers_whoever_asks_a_client_that_leaves_is_noticed() -> None:
    left = asyncio.Event()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    async def work() -> None:
        left.set()
        await asyncio.sleep(HOUR)

    assert await within("the end of the work", while_connected({}, receive, work())) is False


async def test_a_client_that_leaves_the_queue_lets_the_next_one_move_up(serve: Serve) -> None:
    live = await serve(max_running=1, max_waiting=2, behavior={"first_token_seconds": HOUR})
    running = await post(live.url, {"prompt": "runs"})
    await live.simulator_reaches(running=1)
    first = await post(live.url, {"prompt": "waits first"})
    await live.admission_reaches(running=1, waiting=1)
    second = asyncio.create_task(live.http.post("/generate", json={"prompt": "waits second"}))
    await live.admission_reaches(running=1, waiting=2)
    first.close()
    await live.admission_reaches(running=1, waiting=1)
    await live.simulate(behavior={"first_token_seconds": 0})
    running.close()
    assert (await second).status_code == 200
    state = await live.simulator()
    assert (state["completed"], state["cancelled"]) == (1, 1)
    await live.outcomes_reach(2, "cancelled")


async def test_a_client_that_leaves_before_its_body_is_complete_is_counted_as_cancelled(serve: Serve) -> None:
    live = await serve()
    async with connected(live.url) as connection:
        await connection.send('POST /generate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"prompt"')
    await live.outcomes_reach(1, "cancelled", model="")
    assert (await live.http.get("/health")).status_code == 200


def descriptors() -> set[tuple[str, str]]:
    """Return the open file descriptors of this process, each with the file or socket behind it."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # that of the listing itself
            found.add((number, os.readlink(f"/proc/self/fd/{number}")))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux's list of descriptors")
async def test_a_thousand_clients_that_leave_leave_nothing_behind(serve: Serve) -> None:
    """Fifty at a time: streamed and plain, running and waiting, in prefill and in decode.

    Nothing new may be open afterwards, not even a kept connection: the gateway asks for the models only once
    here, before the first client.
    """
    live = await serve(max_running=25, max_waiting=25, behavior={"slots": 64}, models_interval_seconds=3600)
    tasks, files = asyncio.all_tasks(), descriptors()
    for number in range(20):
        phase = "prefill" if number % 2 else "decode"
        await live.simulate(behavior=AT_ONCE | STUCK_IN[phase])
        leaving = [await post(live.url, {"prompt": "Hello", "stream": i % 3 > 0}) for i in range(50)]
        await live.admission_reaches(running=25, waiting=25)
        for connection in leaving:
            connection.close()
        await live.admission_reaches(running=0, waiting=0)

    await live.outcomes_reach(1000, "cancelled")
    await live.simulator_reaches(running=0, waiting=0, completed=0, failed=0)
    assert live.metric("llm_requests_running") == live.metric("llm_requests_waiting") == 0
    await until("all new tasks to end", lambda: asyncio.all_tasks() - tasks, equals(set()))
    await until("all new descriptors to be closed", lambda: descriptors() - files, equals(set()))
    await live.simulate(behavior=AT_ONCE)
    assert (await live.http.post("/generate", json={"prompt": "Hello"})).status_code == 200
