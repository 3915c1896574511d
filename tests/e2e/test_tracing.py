"""The trace of a request is in Jaeger, below the span of who sent it."""

import secrets
from typing import Any

import httpx
import pytest
from kubernetes import client

from dev.settings import MONITORING_NAMESPACE
from dev.tilt import tracing
from tests.e2e.support import API_SERVER_SECONDS, JAEGER
from tests.waiting import until_sync

pytestmark = pytest.mark.e2e
PHASES = ["queue", "load", "prefill", "decode"]


@pytest.fixture
def jaeger(api: Any) -> str:
    """Jaeger's address; skips the test where the platform runs without it."""
    found: Any = client.AppsV1Api(api).list_namespaced_deployment(
        MONITORING_NAMESPACE, _request_timeout=API_SERVER_SECONDS
    )
    if tracing.NAME not in {deployment.metadata.name for deployment in found.items}:
        pytest.skip("there is no Jaeger (TRACING=false)")
    return JAEGER


def test_a_request_is_one_trace_with_a_span_for_each_phase(http: httpx.Client, jaeger: str) -> None:
    trace, caller = secrets.token_hex(16), secrets.token_hex(8)
    headers = {"traceparent": f"00-{trace}-{caller}-01"}
    assert http.post("/generate", json={"prompt": "Say hello."}, headers=headers).status_code == 200

    def spans() -> list[dict[str, Any]]:
        found = httpx.get(f"{jaeger}/api/traces/{trace}", timeout=10, trust_env=False)
        return [span for each in found.json()["data"] or () for span in each["spans"]]

    seen = until_sync("five spans in Jaeger", spans, lambda found: len(found) == 1 + len(PHASES))
    parents = {span["spanID"]: span["references"][0]["spanID"] for span in seen}
    (request,) = [span for span, parent in parents.items() if parent == caller]
    phases = sorted((span for span in seen if parents[span["spanID"]] == request), key=started)
    assert [span["operationName"] for span in phases] == PHASES


def started(span: dict[str, Any]) -> tuple[int, int]:
    """Return what puts phases into their order; some take no microsecond."""
    return span["startTime"], PHASES.index(span["operationName"])
