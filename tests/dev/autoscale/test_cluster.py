"""The API server's objects become entries of the timeline."""

from typing import Any

import pytest
from kubernetes import client

from dev.autoscale.cluster import gauge, scaler
from dev.autoscale.timeline import Scaler

CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
}
CPU_NOW = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 143}}}
QUEUE = {
    "type": "External",
    "external": {"metric": {"name": "s0"}, "target": {"type": "AverageValue", "averageValue": "3"}},
}
QUEUE_NOW = {"type": "External", "external": {"metric": {"name": "s0"}, "current": {"averageValue": "4500m"}}}


def hpa(
    spec: dict[str, Any], now: list[dict[str, Any]] | None, conditions: list[dict[str, str]] | None = None
) -> Any:
    body = {
        "metadata": {"name": "llm-api"},
        "spec": {
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [spec],
            "scaleTargetRef": {"kind": "D", "name": "x"},
        },
        "status": {"currentMetrics": now, "conditions": conditions or [], "desiredReplicas": 1},
    }
    api: Any = client.ApiClient()
    return api._ApiClient__deserialize(body, "V2HorizontalPodAutoscaler")


def test_an_hpa_on_cpu_is_read_in_percent() -> None:
    assert scaler(hpa(CPU, [CPU_NOW]), 2, 1) == Scaler(2, 1, 1, 3, 143.0, 60.0, "cpu")


def test_kedas_hpa_is_read_in_requests_per_replica() -> None:
    assert scaler(hpa(QUEUE, [QUEUE_NOW]), 1, 1) == Scaler(1, 1, 1, 3, 4.5, 3.0, "queue")


@pytest.mark.parametrize("now", [None, [], [{"type": ""}]])
def test_a_metric_that_is_not_there_is_unknown(now: list[dict[str, Any]] | None) -> None:
    reason = {
        "type": "ScalingActive",
        "status": "False",
        "reason": "FailedGetResourceMetric",
        "message": "the HPA was unable to compute the replica count: no metrics returned",
    }
    found = scaler(hpa(CPU, now, [{"type": "AbleToScale", "status": "True"}, reason]), 1, 1)
    assert found.metric is None
    assert found.inactive.startswith("FailedGetResourceMetric: the HPA was unable")


def test_gauges_are_summed_over_gateways() -> None:
    text = "# TYPE llm_requests_running gauge\nllm_requests_running 2.0\nllm_requests_running_max 9.0\n"
    assert gauge("llm_requests_running", [text, text]) == 4.0
    assert gauge("llm_requests_waiting", [text]) == 0.0
