"""After a short load, every query of both dashboards has numbers in the cluster's Prometheus."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.monitoring.ask import numbers
from tests.monitoring.queries import Query, dashboard_queries, rules

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("monitoring")]

GATEWAY = os.environ.get("LLM_E2E_GATEWAY", "http://localhost:8000")
PROMETHEUS = os.environ.get("LLM_E2E_PROMETHEUS", "http://localhost:9090")
REQUESTS = 12
PATIENCE = 120
"""Seconds for what was asked to arrive in Prometheus: scrapes, then rules."""


@pytest.fixture(scope="module")
def loaded() -> str:
    """The Prometheus of a cluster, after a short load in two parts: rates need a before and an after."""
    for _ in range(2):
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(generate, range(REQUESTS // 2)))
        assert 200 in answers, f"no request was answered: {answers}"
        time.sleep(12)  # a scrape in between
    return PROMETHEUS


def generate(number: int) -> int:
    body = {"prompt": f"Count to {number}.", "options": {"num_predict": 8}, "stream": number % 2 == 0}
    return httpx.post(f"{GATEWAY}/generate", json=body, timeout=PATIENCE).status_code


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "query", dashboard_queries(), ids=lambda q: f"{q.dashboard}: {q.panel}: {q.expression[:60]}"
)
def test_a_dashboards_query_comes_back_with_numbers(query: Query, loaded: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (found := numbers(loaded, query.filled(__rate_interval="2m"))):
        assert time.monotonic() < deadline, f"empty: {query.expression}"
        time.sleep(2)
    assert found


def test_prometheus_evaluates_every_rule_of_this_repository() -> None:
    groups = httpx.get(f"{PROMETHEUS}/api/v1/rules").json()["data"]["groups"]
    loaded_rules = {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}
    wanted = {rule.get("alert") or rule["record"] for rule in rules()}
    assert {name: loaded_rules.get(name) for name in wanted} == dict.fromkeys(wanted, "ok")


def test_every_target_is_up() -> None:
    targets = httpx.get(f"{PROMETHEUS}/api/v1/targets", params={"state": "active"}).json()["data"][
        "activeTargets"
    ]
    jobs = {target["labels"]["job"] for target in targets}
    assert {"llm-api", "kube-state-metrics", "kubelet"} <= jobs
    assert [target["scrapeUrl"] for target in targets if target["health"] != "up"] == []
