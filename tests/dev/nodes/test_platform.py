"""The cluster of several nodes, and what runs on it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from dev import FixableError, kubectl
from dev.nodes import platform
from dev.settings import ROOT, WORKLOADS
from tests.charts.conftest import helm
from tests.charts.helm import Helm, by_kind, pod

__all__ = ["helm"]  # the fixture
IMAGE = {"image": {"repository": "r/x", "digest": "sha256:" + "0" * 64}}


def test_the_cluster_differs_from_the_other_by_two_nodes_alone() -> None:
    one, several = (
        list(yaml.safe_load_all((ROOT / name).read_text())) for name in ("ctlptl.yaml", platform.FILE)
    )
    nodes = several[1]["kindV1Alpha4Cluster"]["nodes"]
    first, *workers = nodes
    assert workers == [{"role": "worker", "image": first["image"]}] * 2
    several[1]["kindV1Alpha4Cluster"]["nodes"] = [first]
    assert several == one


@pytest.mark.parametrize("chart", WORKLOADS)
def test_what_runs_is_the_overlay_for_production_spread_and_with_a_budget(
    helm: Helm, chart: str, tmp_path: Path
) -> None:
    folder = ROOT / "charts" / chart
    file = tmp_path / "values.yaml"
    values = {"engine": "simulated", "persistence": {"enabled": False}} if chart == "llm-runtime" else {}
    file.write_text(yaml.safe_dump(platform.overrides(chart, IMAGE | values)))
    objects = by_kind(helm.template(folder, files=[folder / "values-production.yaml", file]))
    workload = objects.get("Deployment") or objects["StatefulSet"]
    assert workload["spec"]["replicas"] == 2
    assert objects["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1
    assert pod(objects)["topologySpreadConstraints"][0]["topologyKey"] == "kubernetes.io/hostname"
    resources = pod(objects)["containers"][0]["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]
    assert {"HTTPRoute", "ServiceMonitor", "ScaledObject"}.isdisjoint(objects)


def nodes(*names: str) -> dict[str, Any]:
    taints = [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]
    control = {"metadata": {"name": "control"}, "spec": {"taints": taints}}
    return {"items": [control, *({"metadata": {"name": name}, "spec": {}} for name in names)]}


def test_a_cluster_of_one_node_is_refused_with_the_way_to_several(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubectl, "shown", lambda *_: nodes("a", "b"))
    assert platform.workers() == ["a", "b"]
    monkeypatch.setattr(kubectl, "shown", lambda *_: nodes("a"))
    with pytest.raises(FixableError, match=r"(?s)has 1 node for pods.*make down, then make nodes"):
        platform.workers()


def test_pods_that_share_a_node_are_not_spread(monkeypatch: pytest.MonkeyPatch) -> None:
    where = {"llm-api": ["a", "b"], "llm-runtime": ["b", "a"]}
    monkeypatch.setattr(platform, "nodes_of", where.__getitem__)
    assert platform.spread() == "llm-api on a, b; llm-runtime on a, b"
    where["llm-runtime"] = ["a", "a"]
    with pytest.raises(FixableError, match="not spread"):
        platform.spread()
