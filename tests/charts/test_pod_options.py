"""What both charts let their users add to their objects, and how two releases coexist."""

import pytest

from tests.charts.helm import NAMES, Manifest, Refusal, Render, container, pod

charts = pytest.mark.parametrize("chart", NAMES)


@charts
def test_labels_and_annotations_reach_the_pods(render: Render, chart: str) -> None:
    objects = render(chart, "podLabels.team=a", "podAnnotations.note=b")
    workload = objects.get("Deployment") or objects["StatefulSet"]
    metadata = workload["spec"]["template"]["metadata"]
    assert (metadata["labels"]["team"], metadata["annotations"]["note"]) == ("a", "b")
    assert "team" not in workload["spec"]["selector"]["matchLabels"]


@charts
def test_service_and_service_account_have_annotations(render: Render, chart: str) -> None:
    objects = render(chart, "service.annotations.a=x,serviceAccount.annotations.b=y")
    service = objects.get("Service") or objects[f"Service/{chart}"]
    assert service["metadata"]["annotations"] == {"a": "x"}
    assert objects["ServiceAccount"]["metadata"]["annotations"] == {"b": "y"}


@charts
def test_variables_and_volumes_reach_every_container(render: Render, chart: str) -> None:
    objects = render(
        chart,
        "extraEnv[0].name=POD,extraEnv[0].valueFrom.fieldRef.fieldPath=metadata.name",
        "extraEnvFrom[0].secretRef.name=more",
        "extraVolumes[0].name=extra,extraVolumes[0].emptyDir.medium=Memory",
        "extraVolumeMounts[0].name=extra,extraVolumeMounts[0].mountPath=/extra",
    )
    for part in pod(objects)["containers"] + pod(objects).get("initContainers", []):
        assert {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}} in part["env"]
        assert part["envFrom"] == [{"secretRef": {"name": "more"}}]
        assert {"name": "extra", "mountPath": "/extra"} in part["volumeMounts"]
    assert {"name": "extra", "emptyDir": {"medium": "Memory"}} in pod(objects)["volumes"]


@charts
def test_placement_reaches_the_pods(render: Render, chart: str) -> None:
    objects = render(
        chart,
        "priorityClassName=high,runtimeClassName=gvisor,nodeSelector.disk=ssd,tolerations[0].key=a",
        "affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight=1",
    )
    spec = pod(objects)
    assert (spec["priorityClassName"], spec["runtimeClassName"]) == ("high", "gvisor")
    assert (spec["nodeSelector"], spec["tolerations"]) == ({"disk": "ssd"}, [{"key": "a"}])
    assert spec["affinity"]["nodeAffinity"]


@charts
def test_a_spread_counts_the_pods_of_its_own_release(render: Render, chart: str) -> None:
    constraint = "topologySpreadConstraints[0]"
    objects = render(
        chart,
        f"{constraint}.maxSkew=1,{constraint}.topologyKey=zone,{constraint}.whenUnsatisfiable=ScheduleAnyway",
    )
    workload = objects.get("Deployment") or objects["StatefulSet"]
    assert pod(objects)["topologySpreadConstraints"] == [
        {
            "labelSelector": workload["spec"]["selector"],
            "maxSkew": 1,
            "topologyKey": "zone",
            "whenUnsatisfiable": "ScheduleAnyway",
        }
    ]


@charts
def test_by_default_a_pod_has_none_of_these(render: Render, chart: str) -> None:
    objects = render(chart)
    options = (
        "priorityClassName",
        "runtimeClassName",
        "nodeSelector",
        "affinity",
        "topologySpreadConstraints",
    )
    assert not set(options) & set(pod(objects))
    assert "envFrom" not in container(objects)
    assert "tolerations" not in pod(objects)


EVERYTHING = (
    "serviceMonitor.enabled=true,podDisruptionBudget.enabled=true,networkPolicy.enabled=true",
    "httpRoute.enabled=true,httpRoute.parentRefs[0].name=llm",
)


@charts
@pytest.mark.parametrize("mode", ["cpu", "queue"])
def test_two_releases_in_one_namespace_share_no_object_and_select_no_pod_of_each_other(
    render: Render, chart: str, mode: str
) -> None:
    settings = (
        *EVERYTHING,
        f"autoscaling.mode={mode}",
        *(["apiKeys.create={a}"] if chart == "llm-api" else []),
    )
    one = render(chart, *settings, release="one")
    two = render(chart, *settings, "fullnameOverride=second", release="two")
    names = [{(o["kind"], o["metadata"]["name"]) for o in objects.values()} for objects in (one, two)]
    assert len(names[0]) == len(names[1]) >= 7
    assert not names[0] & names[1]
    assert all(name.startswith("second") for _, name in names[1])
    labels = (one.get("Deployment") or one["StatefulSet"])["spec"]["template"]["metadata"]["labels"]
    for selector in selectors(two):
        assert not selector.items() <= labels.items(), selector


def selectors(objects: dict[str, Manifest]) -> list[dict[str, str]]:
    """Return the labels by which objects select pods."""
    found = []
    for manifest in objects.values():
        spec = manifest.get("spec", {})
        if selector := spec.get("podSelector", spec.get("selector")):
            found.append(selector.get("matchLabels", selector))
    return found


@pytest.mark.parametrize("mode", ["cpu", "queue"])
def test_an_autoscaler_scales_its_own_release(render: Render, mode: str) -> None:
    kind = {"cpu": "HorizontalPodAutoscaler", "queue": "ScaledObject"}[mode]
    objects = render(
        "llm-runtime", f"autoscaling.mode={mode}", "fullnameOverride=second,gateway.fullname=gw2"
    )
    spec = objects[kind]["spec"]
    assert spec["scaleTargetRef"]["name"] == objects["StatefulSet"]["metadata"]["name"] == "second"
    if mode == "queue":
        assert 'service="gw2"' in spec["triggers"][0]["metadata"]["query"]


def test_the_gateway_follows_the_name_of_its_runtime(render: Render) -> None:
    service = render("llm-runtime", "fullnameOverride=second")["Service/second-pods"]
    variables = container(render("llm-api", "runtime.fullname=second"))["env"]
    assert {"name": "LLM_RUNTIME_URL", "value": f"http://{service['metadata']['name']}:11434"} in variables


@pytest.mark.parametrize("name", ["Upper", "a" * 43, "-a", "a_b"])
def test_a_name_that_kubernetes_refuses_is_refused_at_once(refusal: Refusal, name: str) -> None:
    assert "fullnameOverride" in refusal("llm-runtime", f"fullnameOverride={name}")
