"""The autoscalers see the metric that they scale on."""

from typing import Any

import pytest
from kubernetes import client

from dev.settings import NAMESPACE
from tests.e2e.support import API_SERVER_SECONDS
from tests.waiting import until_sync

pytestmark = pytest.mark.e2e

METRICS_SECONDS = 180
"""Until metrics-server has two samples of a pod and the HPA has read them."""


def utilization(hpa: Any) -> int | None:
    """Return the CPU that an HPA sees in percent of the request, or None while it is unknown."""
    for metric in hpa.status.current_metrics or []:
        if metric.resource and metric.resource.name == "cpu":
            percent: int | None = metric.resource.current.average_utilization
            return percent
    return None


@pytest.mark.timeout(METRICS_SECONDS + 60)
@pytest.mark.parametrize("name", ["llm-api", "llm-runtime"])
def test_an_hpa_knows_the_cpu_of_its_workload_in_percent(name: str, gateway: str, api: Any) -> None:
    scaling: Any = client.AutoscalingV2Api(api)
    hpas = scaling.list_namespaced_horizontal_pod_autoscaler(
        NAMESPACE, _request_timeout=API_SERVER_SECONDS
    ).items
    if name not in [hpa.metadata.name for hpa in hpas]:
        pytest.skip(f"{name} is not scaled on CPU (autoscaler=queue or none)")

    def look() -> int | None:
        return utilization(
            scaling.read_namespaced_horizontal_pod_autoscaler(
                name, NAMESPACE, _request_timeout=API_SERVER_SECONDS
            )
        )

    percent = until_sync(
        f"the CPU of {name} in percent (needs metrics-server)",
        look,
        lambda percent: percent is not None,
        seconds=METRICS_SECONDS,
    )
    assert percent is not None
    assert percent >= 0
