"""Tilt's port-forwards come back after their pod was deleted, again and again."""

import os
from typing import Any

import httpx
import pytest
from kubernetes import client

from tests.e2e.support import API_SERVER_SECONDS, GATEWAY, RUNTIME
from tests.waiting import until_sync

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(1800)]

TIMES = int(os.environ.get("LLM_E2E_DELETIONS", "3"))
BACK_SECONDS = 60
"""For a new pod to start and its port-forward to lead there."""


@pytest.mark.parametrize(
    ("name", "url"), [("llm-api", f"{GATEWAY}/health"), ("llm-runtime", f"{RUNTIME}/api/version")]
)
def test_a_port_forward_comes_back_after_its_pod_was_deleted(api: Any, name: str, url: str) -> None:
    core: Any = client.CoreV1Api(api)

    def pods() -> list[Any]:
        found: list[Any] = core.list_namespaced_pod(
            "llm", label_selector=f"app.kubernetes.io/name={name}", _request_timeout=API_SERVER_SECONDS
        ).items
        return found

    def answers() -> bool:
        try:
            return httpx.get(url, timeout=5, trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def ids() -> set[str]:
        return {pod.metadata.uid for pod in pods()}

    assert until_sync("the port-forward", answers, seconds=BACK_SECONDS)
    for number in range(TIMES):
        old = ids()
        for pod in pods():
            core.delete_namespaced_pod(
                pod.metadata.name, "llm", grace_period_seconds=0, _request_timeout=API_SERVER_SECONDS
            )
        until_sync(f"other pods than {old}", ids, old.isdisjoint, seconds=BACK_SECONDS)
        what = f"the port-forward after deletion {number + 1} of {TIMES}"
        assert until_sync(what, answers, seconds=BACK_SECONDS)
