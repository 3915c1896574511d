"""Ten times as many as there is room for: who is served, who is refused, and that all ends."""

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.api.conftest import MODEL, Live, Serve, until
from tests.api.support.asking import error_of

RUNNING, WAITING = 4, 8
CLIENTS = 10 * (RUNNING + WAITING)
ROUTES: dict[str, dict[str, Any]] = {
    "/generate": {"prompt": "Hello", "options": {"num_predict": 3}},
    "/v1/chat/completions": {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 3,
    },
}


def outcomes(live: Live) -> Counter[str]:
    """Requests by how they ended, of both routes."""
    found: Counter[str] = Counter()
    for metric in live.gateway.metrics.registry.collect():
        for sample in metric.samples:
            if sample.name == "llm_requests_total":
                found[sample.labels["outcome"]] += int(sample.value)
    return +found


async def ask(http: httpx.AsyncClient, number: int) -> int:
    route = list(ROUTES)[number % 2]
    body = ROUTES[route] | {"stream": number % 4 < 2}
    answer = await http.post(route, json=body)
    if answer.status_code == 503:
        error_of(answer, 503, "queue_full")
        assert int(answer.headers["retry-after"]) >= 1
    elif body["stream"] and route == "/generate":
        assert json.loads(answer.text.splitlines()[-1])["done"] is True
    elif body["stream"]:
        assert answer.text.endswith("data: [DONE]\n\n")
    return answer.status_code


async def watch(live: Live, most: dict[str, int]) -> None:
    """Keep the highest numbers of running and waiting that any turn of the loop shows."""
    while True:
        for name in most:
            most[name] = max(most[name], getattr(live.gateway.admission, name))
        await asyncio.sleep(0)


async def test_ten_times_the_capacity_is_served_or_refused_and_nothing_is_lost(serve: Serve) -> None:
    behavior = {"slots": 64, "first_token_seconds": 0.05, "token_seconds": 0.01}
    live = await serve(max_running=RUNNING, max_waiting=WAITING, behavior=behavior)
    most = {"running": 0, "waiting": 0}
    watching = asyncio.create_task(watch(live, most))
    no_limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=live.url, timeout=60, limits=no_limits) as http:
        statuses: Counter[int] = Counter()
        for _ in range(2):
            statuses.update(await asyncio.gather(*[ask(http, number) for number in range(CLIENTS)]))
    watching.cancel()

    assert statuses.total() == 2 * CLIENTS
    assert set(statuses) == {200, 503}
    assert statuses[200] >= 2 * (RUNNING + WAITING)
    await until(lambda: outcomes(live).total() == 2 * CLIENTS)
    assert outcomes(live) == {"ok": statuses[200], "rejected": statuses[503]}
    state = await live.simulator_reaches(running=0, waiting=0)
    assert (state["completed"], state["cancelled"], state["failed"]) == (statuses[200], 0, 0)
    assert most == {"running": RUNNING, "waiting": WAITING}
    assert live.metric("llm_requests_running") == live.metric("llm_requests_waiting") == 0


@pytest.mark.parametrize("waiting", [0, 3])
async def test_while_all_places_are_taken_every_refusal_is_at_once_and_reaches_no_runtime(
    serve: Serve, waiting: int
) -> None:
    """At once: nothing that runs or waits has to end before it."""
    live = await serve(max_running=1, max_waiting=waiting)
    admission = live.gateway.admission
    async with admission.slot():
        queued = [asyncio.create_task(ask(live.http, number)) for number in range(waiting)]
        await until(lambda: admission.waiting == waiting)
        refused = await asyncio.gather(*[ask(live.http, number) for number in range(40)])
        assert refused == [503] * 40
        assert (admission.running, admission.waiting) == (1, waiting)
        assert (await live.http.get("/health")).status_code == 200
    assert await asyncio.gather(*queued) == [200] * waiting
    assert (await live.simulator())["completed"] == waiting
