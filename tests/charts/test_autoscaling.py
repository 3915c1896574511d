"""At most one autoscaler owns the number of replicas, in both charts."""

import subprocess

import pytest

from tests.charts.helm import Render

WORKLOADS = [("llm-api", "Deployment"), ("llm-runtime", "StatefulSet")]
OWNERS = {"cpu": {"HorizontalPodAutoscaler"}, "queue": {"ScaledObject"}, "none": set()}

workloads = pytest.mark.parametrize(("chart", "kind"), WORKLOADS)


@workloads
@pytest.mark.parametrize("mode", OWNERS)
def test_each_mode_has_only_its_own_autoscaler(render: Render, chart: str, kind: str, mode: str) -> None:
    objects = render(chart, f"autoscaling.mode={mode}")
    assert {"HorizontalPodAutoscaler", "ScaledObject"} & set(objects) == OWNERS[mode]


@workloads
@pytest.mark.parametrize("mode", OWNERS)
def test_replicas_are_set_only_where_no_autoscaler_owns_them(
    render: Render, chart: str, kind: str, mode: str
) -> None:
    spec = render(chart, f"autoscaling.mode={mode}", "replicas=2")[kind]["spec"]
    assert spec.get("replicas") == (2 if mode == "none" else None)


@workloads
@pytest.mark.parametrize("mode", ["both", "true", "CPU"])
def test_no_other_mode_exists(render: Render, chart: str, kind: str, mode: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        render(chart, f"autoscaling.mode={mode}")
    assert "/autoscaling/mode" in failure.value.stderr


@pytest.mark.parametrize(
    ("chart", "kind", "percent", "most"),
    [("llm-api", "Deployment", 60, 3), ("llm-runtime", "StatefulSet", 70, 2)],
)
def test_the_defaults_scale_on_cpu(render: Render, chart: str, kind: str, percent: int, most: int) -> None:
    spec = render(chart)["HorizontalPodAutoscaler"]["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": kind, "name": chart}
    assert (spec["minReplicas"], spec["maxReplicas"]) == (1, most)
    (metric,) = spec["metrics"]
    assert metric["resource"] == {
        "name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": percent},
    }


@workloads
def test_a_workload_that_scales_on_cpu_requests_cpu(render: Render, chart: str, kind: str) -> None:
    pod = render(chart)[kind]["spec"]["template"]["spec"]
    for container in pod["containers"] + pod.get("initContainers", []):
        assert container["resources"]["requests"]["cpu"], container["name"]


@workloads
def test_it_scales_up_at_once_and_down_after_a_window(render: Render, chart: str, kind: str) -> None:
    behavior = render(chart)["HorizontalPodAutoscaler"]["spec"]["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] >= 60


@workloads
def test_both_modes_use_the_same_behavior(render: Render, chart: str, kind: str) -> None:
    window = "autoscaling.behavior.scaleDown.stabilizationWindowSeconds=45"
    by_cpu = render(chart, window)["HorizontalPodAutoscaler"]["spec"]["behavior"]
    keda = render(chart, window, "autoscaling.mode=queue")["ScaledObject"]["spec"]["advanced"]
    assert by_cpu["scaleDown"]["stabilizationWindowSeconds"] == 45
    assert keda["horizontalPodAutoscalerConfig"] == {"behavior": by_cpu}


@workloads
def test_the_queue_is_the_running_and_waiting_requests_of_its_namespace(
    render: Render, chart: str, kind: str
) -> None:
    spec = render(
        chart, "autoscaling.mode=queue", "autoscaling.queue.prometheusAddress=http://p:1", namespace="here"
    )["ScaledObject"]["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": kind, "name": chart}
    (trigger,) = spec["triggers"]
    assert (trigger["type"], trigger["metricType"]) == ("prometheus", "AverageValue")
    assert trigger["metadata"]["serverAddress"] == "http://p:1"
    assert trigger["metadata"]["query"] == (
        'sum(llm_requests_running{namespace="here", service="llm-api"})'
        ' + sum(llm_requests_waiting{namespace="here", service="llm-api"})'
    )
    assert float(trigger["metadata"]["threshold"]) > 0


@workloads
def test_no_replica_is_removed_while_prometheus_is_silent(render: Render, chart: str, kind: str) -> None:
    spec = render(chart, "autoscaling.mode=queue")["ScaledObject"]["spec"]
    assert spec["fallback"] == {"failureThreshold": 3, "replicas": 1, "behavior": "currentReplicasIfHigher"}
    assert spec["triggers"][0]["metadata"]["ignoreNullValues"] == "false"


def test_the_runtime_goes_to_zero_after_a_while_without_requests_and_the_gateway_never(
    render: Render,
) -> None:
    queue, zero = "autoscaling.mode=queue", "autoscaling.minReplicas=0"
    spec = render("llm-runtime", queue, zero, "autoscaling.queue.cooldownPeriod=45")["ScaledObject"]["spec"]
    assert (spec["minReplicaCount"], spec["cooldownPeriod"]) == (0, 45)
    with pytest.raises(subprocess.CalledProcessError):
        render("llm-api", queue, zero)
