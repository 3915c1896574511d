"""The overlays for production render, have a reason for each line, and keep what they promise."""

import itertools
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.generate.chart_readme import describe
from tests.charts.helm import CHARTS, NAMES, Helm, Manifest, Refusal, by_kind, container, environment, pod

PRODUCTION, GPU = "values-production.yaml", "values-gpu.yaml"
OVERLAYS = [[PRODUCTION], [PRODUCTION, GPU]]
IMAGE = ("image.repository=registry.example/llm", "image.digest=sha256:" + "0" * 64)
charts = pytest.mark.parametrize("chart", NAMES)
overlays = pytest.mark.parametrize("overlay", OVERLAYS, ids=["production", "gpu"])


def render(helm: Helm, chart: str, overlay: list[str], *settings: str) -> dict[str, Manifest]:
    files = [CHARTS / chart / name for name in overlay]
    return by_kind(helm.template(CHARTS / chart, *IMAGE, *settings, files=files))


@charts
@overlays
def test_an_overlay_renders_with_an_image_of_which_it_has_the_digest(
    helm: Helm, chart: str, overlay: list[str]
) -> None:
    objects = render(helm, chart, overlay)
    parts = pod(objects)["containers"] + pod(objects).get("initContainers", [])
    assert all("@sha256:" in part["image"] for part in parts)


@charts
@overlays
def test_an_overlay_needs_a_digest(refusal: Refusal, chart: str, overlay: list[str]) -> None:
    files = [CHARTS / chart / name for name in overlay]
    assert "image.digest is empty" in refusal(chart, IMAGE[0], files=files)


@overlays
def test_an_overlay_takes_no_keys_in_values(refusal: Refusal, overlay: list[str]) -> None:
    files = [CHARTS / "llm-api" / name for name in overlay]
    keys = "apiKeys.create={a},apiKeys.existingSecret="
    assert "apiKeys.create has keys" in refusal("llm-api", *IMAGE, keys, files=files)


@charts
@pytest.mark.parametrize("name", [PRODUCTION, GPU])
def test_every_line_is_a_value_of_the_chart_and_has_its_reason(chart: str, name: str) -> None:
    text = (CHARTS / chart / name).read_text()
    assert describe(text)
    unknown = set(paths(yaml.safe_load(text))) - set(
        paths(yaml.safe_load((CHARTS / chart / "values.yaml").read_text()))
    )
    # Maps of the user's own keys, and one that is Kubernetes' own.
    free = ("nodeSelector", "resources", "affinity")
    assert {path for path in unknown if path.split(".")[0] not in free} == set()


def paths(values: Any, above: str = "") -> list[str]:
    """Return the paths of all keys in maps."""
    if not isinstance(values, dict):
        return []
    return list(
        itertools.chain.from_iterable(
            [above + key, *paths(value, f"{above}{key}.")] for key, value in values.items()
        )
    )


@charts
@overlays
def test_two_replicas_at_least_are_scaled_by_the_queue_drained_one_by_one_and_spread_softly(
    helm: Helm, chart: str, overlay: list[str]
) -> None:
    objects = render(helm, chart, overlay)
    scaled = objects["ScaledObject"]["spec"]
    assert scaled["minReplicaCount"] == scaled["fallback"]["replicas"] == 2 <= scaled["maxReplicaCount"]
    assert objects["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    spread = pod(objects)["topologySpreadConstraints"]
    # One key alone: where a node lacks the label of another, such as a zone's, Kubernetes spreads by none.
    assert [(one["topologyKey"], one["whenUnsatisfiable"]) for one in spread] == [
        ("kubernetes.io/hostname", "ScheduleAnyway")
    ]
    (apart,) = pod(objects)["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert apart["podAffinityTerm"]["topologyKey"] == "topology.kubernetes.io/zone"
    workload = objects.get("Deployment") or objects["StatefulSet"]
    labels = workload["spec"]["template"]["metadata"]["labels"]
    assert apart["podAffinityTerm"]["labelSelector"]["matchLabels"].items() <= labels.items()


@charts
@overlays
def test_memory_is_promised_in_full(helm: Helm, chart: str, overlay: list[str]) -> None:
    resources = container(render(helm, chart, overlay))["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]


@overlays
def test_the_gateways_cpu_has_no_limit(helm: Helm, overlay: list[str]) -> None:
    assert set(container(render(helm, "llm-api", overlay))["resources"]["limits"]) == {"memory"}


@overlays
def test_the_runtime_has_as_many_threads_as_cpus(helm: Helm, overlay: list[str]) -> None:
    objects = render(helm, "llm-runtime", overlay)
    (pull,) = pod(objects)["initContainers"]
    resources = container(objects)["resources"]
    assert environment(pull)["MODEL_THREADS"] == resources["limits"]["cpu"] == resources["requests"]["cpu"]


@overlays
def test_as_many_requests_run_in_the_gateways_as_the_runtimes_have_slots(
    helm: Helm, overlay: list[str]
) -> None:
    gateway, runtime = (render(helm, chart, overlay) for chart in NAMES)
    running = environment(container(gateway))["LLM_MAX_RUNNING"]
    assert running == environment(container(runtime))["OLLAMA_NUM_PARALLEL"]
    bounds = [
        (scaled["minReplicaCount"], scaled["maxReplicaCount"], scaled["triggers"][0]["metadata"])
        for scaled in (objects["ScaledObject"]["spec"] for objects in (gateway, runtime))
    ]
    assert bounds[0] == bounds[1]


@charts
def test_a_stopping_pod_has_time_for_the_longest_answer(helm: Helm, chart: str) -> None:
    gateway = environment(container(render(helm, "llm-api", [PRODUCTION])))
    spec = pod(render(helm, chart, [PRODUCTION]))
    assert spec["terminationGracePeriodSeconds"] > float(gateway["LLM_REQUEST_TIMEOUT_SECONDS"])


def test_the_gateways_keys_route_and_metrics_are_those_of_production(helm: Helm) -> None:
    objects = render(helm, "llm-api", [PRODUCTION])
    assert "Secret" not in objects
    source = {"secretKeyRef": {"name": "llm-api-keys", "key": "api-keys"}}
    assert environment(container(objects))["LLM_API_KEYS"] == source
    (rule,) = objects["HTTPRoute"]["spec"]["rules"]
    assert "/metrics" not in str(rule["matches"])
    assert rule["timeouts"] == {"request": "125s"}
    assert {"ServiceMonitor", "NetworkPolicy"} <= set(objects)


def test_the_runtimes_volumes_outlive_it_and_its_pods_are_isolated(helm: Helm) -> None:
    objects = render(helm, "llm-runtime", [PRODUCTION])
    retention = objects["StatefulSet"]["spec"]["persistentVolumeClaimRetentionPolicy"]
    assert retention == {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert "NetworkPolicy" in objects
    assert "HTTPRoute" not in objects


def test_the_runtime_on_a_gpu_asks_for_one_and_its_scale_for_no_more_than_there_are(helm: Helm) -> None:
    objects = render(helm, "llm-runtime", [PRODUCTION, GPU])
    assert container(objects)["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod(objects)["nodeSelector"] == {"nvidia.com/gpu.present": "true"}


@charts
def test_a_chart_is_packaged_with_its_overlays_and_its_readme(helm: Helm, tmp_path: Path, chart: str) -> None:
    command = [
        helm.path,
        "package",
        str(CHARTS / chart),
        "--destination",
        str(tmp_path),
        "--version",
        "1.2.3",
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    with tarfile.open(tmp_path / f"{chart}-1.2.3.tgz") as package:
        names = set(package.getnames())
    assert {f"{chart}/{name}" for name in (PRODUCTION, GPU, "README.md", "values.schema.json")} <= names
