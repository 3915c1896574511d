"""Under ten times its capacity the gateway serves or refuses every request, and loses none."""

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.api.support.errors import error_of
from tests.api.support.live import Live, Serve
from tests.api.support.requests import BODIES
from tests.waiting import equals, until

RUNNING, WAITING = 4, 8
CLIENTS = 10 * (RUNNING + WAITING)
THREE_TOKENS: dict[str, dict[str, Any]] = {
    "/generate": {"options": {"num_predict": 3}},
    "/v1/chat/completions": {"max_tokens": 3},
}


def outcomes(live: Live) -> Counter[str]:
    """Count the requests to both routes by outcome."""
    found: Counter[str] = Counter()
    for metric in live.gateway.metrics.registry.collect():
        for sample in metric.samples:
            if sample.name == "llm_requests_total":
                found[sample.labels["outcome"]] += int(sample.value)
    return +found


async def send(http: httpx.AsyncClient, number: int) -> int:
    """Send a request, alternating routes and streaming; check what comes back and return the status."""
    route = list(THREE_TOKENS)[number % 2]
    body = BODIES[route] | THREE_TOKENS[route] | {"stream": number % 4 < 2}
    response = await http.post(route, json=body)
    if response.status_code == 503:
        error_of(response, 503, "queue_full")
        assert int(response.headers["retry-after"]) >= 1
    elif body["stream"] and route == "/generate":
        assert json.loads(response.text.splitlines()[-1])["done"] is True
    elif body["stream"]:
        assert response.text.endswith("data: [DONE]\n\n")
    return response.status_code


async def record_maxima(live: Live, maxima: dict[str, int]) -> None:
    """Keep the highest number of running and of waiting requests of all iterations of the event loop."""
    while True:
        for name in maxima:
            maxima[name] = max(maxima[name], getattr(live.gateway.admission, name))
        await asyncio.sleep(0)


async def test_ten_times_the_capacity_is_served_or_refused_and_nothing_is_lost(serve: Serve) -> None:
    behavior = {"slots": 64, "first_token_seconds": 0.05, "token_seconds": 0.01}
    live = await serve(max_running=RUNNING, max_waiting=WAITING, behavior=behavior)
    maxima = {"running": 0, "waiting": 0}
    recording = asyncio.create_task(record_maxima(live, maxima))
    no_limits = httpx.Limits(max_connections=None)
    statuses: Counter[int] = Counter()
    for _ in range(2):
        # A new client each time: on a busy machine, the gateway may close connections kept from the first.
        async with httpx.AsyncClient(
            base_url=live.url, timeout=60, limits=no_limits, trust_env=False
        ) as http:
            statuses.update(await asyncio.gather(*[send(http, number) for number in range(CLIENTS)]))
    recording.cancel()

    assert statuses.total() == 2 * CLIENTS
    assert set(statuses) == {200, 503}
    assert statuses[200] >= 2 * (RUNNING + WAITING)
    await until("all requests to be counted", lambda: outcomes(live).total(), equals(2 * CLIENTS))
    assert outcomes(live) == {"ok": statuses[200], "rejected": statuses[503]}
    state = await live.simulator_reaches(running=0, waiting=0)
    assert (state["completed"], state["cancelled"], state["failed"]) == (statuses[200], 0, 0)
    assert maxima == {"running": RUNNING, "waiting": WAITING}
    assert live.metric("llm_requests_running") == live.metric("llm_requests_waiting") == 0


@pytest.mark.parametrize("waiting", [0, 3])
async def test_a_full_gateway_refuses_at_once_without_asking_the_runtime(serve: Serve, waiting: int) -> None:
    """At once: before anything that runs or waits has ended."""
    live = await serve(max_running=1, max_waiting=waiting)
    admission = live.gateway.admission
    async with admission:
        queued = [asyncio.create_task(send(live.http, number)) for number in range(waiting)]
        await live.admission_reaches(running=1, waiting=waiting)
        refused = await asyncio.gather(*[send(live.http, number) for number in range(40)])
        assert refused == [503] * 40
        assert (admission.running, admission.waiting) == (1, waiting)
        assert (await live.http.get("/health")).status_code == 200
    assert await asyncio.gather(*queued) == [200] * waiting
    assert (await live.simulator())["completed"] == waiting
