"""The autoscalers see what they are to act on."""

import time
from typing import Any

import pytest
from kubernetes import client

pytestmark = pytest.mark.e2e

NAMESPACE = "llm"
PATIENCE = 180
"""Seconds until metrics-server has two samples of a pod and an HPA has looked at them."""


def utilization(hpa: Any) -> int | None:
    """Percent of the requested CPU that an HPA sees, or None where it is unknown."""
    for metric in hpa.status.current_metrics or []:
        if metric.resource and metric.resource.name == "cpu":
            percent: int | None = metric.resource.current.average_utilization
            return percent
    return None


@pytest.mark.timeout(PATIENCE + 60)
@pytest.mark.parametrize("name", ["llm-api", "llm-runtime"])
def test_an_hpa_knows_the_cpu_of_its_workload_in_percent(name: str, gateway: str, api: Any) -> None:
    scaling: Any = client.AutoscalingV2Api(api)
    there = scaling.list_namespaced_horizontal_pod_autoscaler(NAMESPACE).items
    if name not in [hpa.metadata.name for hpa in there]:
        pytest.skip(f"{name} is not scaled on CPU (autoscaler=queue or none)")
    deadline = time.monotonic() + PATIENCE
    while (seen := utilization(scaling.read_namespaced_horizontal_pod_autoscaler(name, NAMESPACE))) is None:
        assert time.monotonic() < deadline, f"the CPU of {name} stays unknown: is metrics-server there?"
        time.sleep(2)
    assert seen >= 0
