"""Clients that leave: their work ends at the runtime, their place is free, nothing of them stays."""

import asyncio
import os
from typing import Any

import pytest

from tests.api.conftest import MODEL, Live, Serve, until
from tests.api.support.wire import ask, connect

HOUR = 3600
PHASES = {"prefill": {"first_token_seconds": HOUR}, "decode": {"token_seconds": HOUR}}
BODIES: dict[str, dict[str, Any]] = {
    "/generate": {"prompt": "Hello"},
    "/v1/chat/completions": {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]},
}


async def counts_cancelled(live: Live, count: int, route: str = "/generate") -> None:
    labels = {"model": MODEL, "route": route, "outcome": "cancelled"}
    await until(lambda: live.metric("llm_requests_total", **labels) == count)


@pytest.mark.parametrize("route", list(BODIES))
@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_ends_the_runtimes_work_and_frees_its_place(
    serve: Serve, stream: bool, route: str
) -> None:
    live = await serve(max_running=1)
    for count, (phase, behavior) in enumerate(PHASES.items(), 1):
        await live.simulate(behavior={"first_token_seconds": 0, "token_seconds": 0} | behavior)
        leaving = await ask(live.url, BODIES[route] | {"stream": stream}, route)
        await live.simulator_reaches(running=1)
        assert live.metric("llm_requests_running") == 1
        leaving.close()
        state = await live.simulator_reaches(running=0, cancelled=count)
        assert state["record"][-1]["phase"] == phase
        await until(lambda: live.gateway.admission.running == 0)
        await counts_cancelled(live, count, route)
    await live.simulate(behavior={"token_seconds": 0})
    assert (await live.http.post(route, json=BODIES[route])).status_code == 200


async def test_a_client_that_has_read_a_part_of_its_stream_and_leaves_ends_the_work(serve: Serve) -> None:
    live = await serve(behavior={"tokens": 10_000, "token_seconds": 0.001})
    reader, leaving = await connect(live.url, {"prompt": "Hello", "stream": True})
    await reader.readuntil(b'"done":false}')
    leaving.close()
    state = await live.simulator_reaches(running=0, cancelled=1)
    assert state["record"][0]["generated_tokens"] < 10_000
    await counts_cancelled(live, 1)
    assert live.metric("llm_time_to_first_token_seconds_count", model=MODEL) == 1
    assert live.metric("llm_inference_seconds_count", model=MODEL) == 0


async def test_a_waiter_that_leaves_makes_its_place_free_for_the_next_in_the_queue(serve: Serve) -> None:
    live = await serve(max_running=1, max_waiting=2, behavior={"first_token_seconds": HOUR})
    admission = live.gateway.admission
    running = await ask(live.url, {"prompt": "runs"})
    await live.simulator_reaches(running=1)
    first = await ask(live.url, {"prompt": "waits first"})
    await until(lambda: admission.waiting == 1)
    second = asyncio.create_task(live.http.post("/generate", json={"prompt": "waits second"}))
    await until(lambda: admission.waiting == 2)
    first.close()
    await until(lambda: admission.waiting == 1)
    await live.simulate(behavior={"first_token_seconds": 0})
    running.close()
    assert (await second).status_code == 200
    state = await live.simulator()
    assert (state["completed"], state["cancelled"]) == (1, 1)
    await counts_cancelled(live, 2)


async def test_a_client_that_leaves_with_half_of_its_body_sent_is_no_error(serve: Serve) -> None:
    live = await serve()
    _, leaving = await asyncio.open_connection(host="127.0.0.1", port=int(live.url.rpartition(":")[2]))
    leaving.write(b'POST /generate HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"prompt"')
    await leaving.drain()
    leaving.close()
    labels = {"model": "", "route": "/generate", "outcome": "cancelled"}
    await until(lambda: live.metric("llm_requests_total", **labels) == 1)


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors where Linux lists them")
async def test_a_thousand_clients_that_leave_leave_nothing_behind(serve: Serve) -> None:
    """Fifty at a time: streaming and plain, running and waiting, in prefill and in decode."""
    live = await serve(max_running=25, max_waiting=25, behavior={"slots": 64})
    admission = live.gateway.admission

    async def abort(number: int) -> None:
        await live.simulate(
            behavior={"first_token_seconds": 0, "token_seconds": 0}
            | PHASES["prefill" if number % 2 else "decode"]
        )
        leaving = [await ask(live.url, {"prompt": "Hello", "stream": i % 3 > 0}) for i in range(50)]
        await until(lambda: (admission.running, admission.waiting) == (25, 25))
        for writer in leaving:
            writer.close()
        await until(lambda: (admission.running, admission.waiting) == (0, 0))

    await abort(0)
    await live.simulator_reaches(running=0, waiting=0)
    before = open_files()
    for number in range(20):
        await abort(number)
    await counts_cancelled(live, 1050)
    await live.simulator_reaches(running=0, waiting=0, completed=0, failed=0)
    assert live.metric("llm_requests_running") == live.metric("llm_requests_waiting") == 0
    await until(lambda: open_files() <= before)
    await live.simulate(behavior={"first_token_seconds": 0, "token_seconds": 0})
    assert (await live.http.post("/generate", json={"prompt": "Hello"})).status_code == 200
