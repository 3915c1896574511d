"""After a short load, the cluster's Prometheus has data for every query of both dashboards."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.support import GATEWAY, PROMETHEUS, RESPONSE_SECONDS
from tests.monitoring.ask import numbers
from tests.monitoring.queries import Query, dashboard_queries, rules
from tests.waiting import until_sync

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("monitoring")]

REQUESTS = 12
SCRAPE_SECONDS = 12
DATA_SECONDS = 120
"""For the load to appear in Prometheus: scrapes first, then the rules."""


@pytest.fixture(scope="module")
def loaded() -> str:
    """The Prometheus of a cluster after a load in two parts: a rate needs a sample before and one after."""
    for _ in range(2):
        with ThreadPoolExecutor(3) as pool:
            statuses = list(pool.map(generate, range(REQUESTS // 2)))
        assert 200 in statuses, f"no request succeeded: {statuses}"
        time.sleep(SCRAPE_SECONDS)
    return PROMETHEUS


def generate(number: int) -> int:
    body = {"prompt": f"Count to {number}.", "options": {"num_predict": 8}, "stream": number % 2 == 0}
    response = httpx.post(f"{GATEWAY}/generate", json=body, timeout=RESPONSE_SECONDS, trust_env=False)
    return response.status_code


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "query", dashboard_queries(), ids=lambda q: f"{q.dashboard}: {q.panel}: {q.expression[:60]}"
)
def test_a_dashboards_query_returns_numbers(query: Query, loaded: str) -> None:
    expression = query.filled(__rate_interval="2m")
    assert until_sync(
        f"numbers from {query.expression}", lambda: numbers(loaded, expression), seconds=DATA_SECONDS
    )


def test_prometheus_evaluates_every_rule_of_this_repository() -> None:
    groups = ask_prometheus("/api/v1/rules")["groups"]
    health = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    expected = {rule.get("alert") or rule["record"] for rule in rules()}
    assert {name: health.get(name) for name in expected} == dict.fromkeys(expected, "ok")


def test_every_target_is_up() -> None:
    targets = ask_prometheus("/api/v1/targets", state="active")["activeTargets"]
    jobs = {target["labels"]["job"] for target in targets}
    assert {"llm-api", "kube-state-metrics", "kubelet"} <= jobs
    assert [target["scrapeUrl"] for target in targets if target["health"] != "up"] == []


def ask_prometheus(path: str, **params: str) -> dict[str, Any]:
    response = httpx.get(f"{PROMETHEUS}{path}", params=params, timeout=30, trust_env=False)
    data: dict[str, Any] = response.raise_for_status().json()["data"]
    return data
