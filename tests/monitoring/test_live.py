"""While a real Prometheus scrapes a real gateway under load, no query of its metrics returns nothing."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest

from dev.fault.prometheus import command
from tests.monitoring.ask import numbers
from tests.monitoring.queries import RULES, Query, dashboard_queries, metrics
from tests.processes import PATIENCE, free_port, running, service

MODEL = "simulated:tiny"
BURST = 8
"""Concurrent requests, more than the gateway accepts."""

QUERIES = [
    query for query in dashboard_queries() if all(m.startswith("llm") for m in metrics(query.filled()))
]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a gateway with room for three requests, in front of a simulated runtime."""
    logs = tmp_path_factory.mktemp("logs")
    settings = {"LLM_MODEL": MODEL, "LLM_MAX_RUNNING": "1", "LLM_MAX_WAITING": "2"}
    with (
        service("runtime", logs / "runtime", RUNTIME_ENGINE="simulated", RUNTIME_MODEL=MODEL) as runtime,
        service("api", logs / "api", LLM_RUNTIME_URL=runtime, **settings) as address,
    ):
        yield address


@pytest.fixture(scope="module")
def scraper(prometheus: str, gateway: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Prometheus that scrapes the gateway each second and evaluates the rules."""
    folder = tmp_path_factory.mktemp("prometheus")
    address = f"127.0.0.1:{free_port()}"
    run = command(prometheus, address, folder, gateway, RULES, seconds=1)
    with running(run, folder, f"http://{address}/-/ready", folder / "log"):
        yield f"http://{address}"


@pytest.fixture(scope="module")
def loaded(scraper: str, gateway: str) -> str:
    """A Prometheus that scraped the gateway before, between and after two bursts, so that it knows rates."""
    for number in range(3):
        if number:
            asyncio.run(burst(gateway))
        wait_until_seen(scraper, BURST * number)
    return scraper


def wait_until_seen(scraper: str, requests: int) -> None:
    """Wait until this number of requests is scraped; Prometheus finds its targets seconds after its start."""
    deadline = time.monotonic() + PATIENCE
    while (seen := numbers(scraper, "sum(llm_requests_total)")) != [requests]:
        assert time.monotonic() < deadline, f"waited for {requests} scraped requests, saw {seen}"
        time.sleep(0.2)


async def burst(gateway: str) -> None:
    async with httpx.AsyncClient(base_url=gateway, timeout=PATIENCE, trust_env=False) as client:
        bodies = [
            {"prompt": "hello", "stream": stream, "options": {"num_predict": 5}} for stream in (True, False)
        ]
        calls = (client.post("/generate", json=body) for body in bodies * (BURST // 2))
        statuses = {response.status_code for response in await asyncio.gather(*calls)}
    assert {200} <= statuses <= {200, 429, 503}


@pytest.mark.slow
@pytest.mark.parametrize("query", QUERIES, ids=lambda q: f"{q.dashboard}: {q.panel}: {q.expression[:60]}")
def test_a_query_of_the_gateways_metrics_returns_numbers(query: Query, loaded: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (found := numbers(loaded, query.filled(model="simulated.+", __rate_interval="30s"))):
        assert time.monotonic() < deadline, f"waited for a number, saw none: {query.expression}"
        time.sleep(0.5)
    assert found
