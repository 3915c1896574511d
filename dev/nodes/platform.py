"""The platform on several nodes: both charts with their overlays for production, in what small nodes hold."""

import json
from typing import Any

from dev import FixableError, kubectl
from dev.doctor import tools
from dev.gitops import argo, artifacts
from dev.gitops.manifests import Release
from dev.settings import NAMESPACE, ROOT, WORKLOADS, Values
from dev.up import cluster

FILE = "ctlptl-nodes.yaml"
HERE = ("--namespace", NAMESPACE)
GONE_SECONDS = 30  # after which a node that does not answer loses its pods; Kubernetes' default is 300
OUTPUT = ROOT / "out/nodes"


def workers() -> list[str]:
    """Return the nodes that take pods.

    Raises:
        FixableError: there are not two of them.
    """
    found = [
        node["metadata"]["name"]
        for node in kubectl.shown("nodes")["items"]
        if not any(taint["effect"] == "NoSchedule" for taint in node["spec"].get("taints", []))
    ]
    if len(found) < 2:
        problem = f"the cluster has {len(found)} node for pods, and two are needed"
        raise FixableError(problem, f"make down, then make nodes, which creates the cluster of {FILE}")
    return found


def overrides(chart: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return what differs from the overlay for production: what else it needs is not here."""
    gone = ("node.kubernetes.io/unreachable", "node.kubernetes.io/not-ready")
    common = values | {
        "replicas": 2,
        "autoscaling": {"mode": "none"},
        "networkPolicy": {"enabled": False},
        "tolerations": [
            {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": GONE_SECONDS}
            for key in gone
        ],
    }
    if chart == "llm-api":
        off = {"httpRoute": {"enabled": False}, "serviceMonitor": {"enabled": False}}
        return common | off | {"apiKeys": {"existingSecret": ""}, "resources": {"requests": {"cpu": "50m"}}}
    small = {"requests": {"cpu": "100m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}}
    return common | {"shutdownGraceSeconds": 60, "resources": small}


def install(values: Values) -> None:
    """Create the cluster of several nodes where there is none, and install the platform in it.

    Raises:
        FixableError: a step failed, or the cluster has one node.
    """
    tools.ensure(cluster.needs(values))
    cluster.apply(values, FILE)
    workers()
    argo.check_tilt()
    if argo.is_installed():
        raise FixableError("Argo CD manages the platform in this cluster", "make gitops ARGS=remove")
    for one in artifacts.push(values):
        upgrade(one)


def upgrade(one: Release) -> None:
    """Install a chart with its overlay for production.

    Raises:
        FixableError: helm failed.
    """
    OUTPUT.mkdir(parents=True, exist_ok=True)
    file = OUTPUT / f"{one.chart}.json"
    file.write_text(json.dumps(overrides(one.chart, json.loads(one.values))))
    folder = f"charts/{one.chart}"
    files = ("--values", f"{folder}/values-production.yaml", "--values", str(file))
    install = ("upgrade", "--install", one.chart, folder, *HERE, "--create-namespace", *files)
    artifacts.run(tools.path("helm"), *install)


def nodes_of(workload: str) -> list[str]:
    """Return the nodes of a workload's pods that are not about to end."""
    pods = kubectl.shown("pods", *HERE, "--selector", f"app.kubernetes.io/name={workload}")["items"]
    return [pod["spec"].get("nodeName", "") for pod in pods if "deletionTimestamp" not in pod["metadata"]]


def available(workload: str) -> int:
    """Return how many replicas of a workload serve."""
    kind = "deployment" if workload == "llm-api" else "statefulset"
    return int(kubectl.shown(kind, workload, *HERE)["status"].get("availableReplicas", 0))


def spread() -> str:
    """Return where the pods are, if each workload's are on different nodes.

    Raises:
        FixableError: they are not.
    """
    found = {workload: sorted(nodes_of(workload)) for workload in WORKLOADS}
    if any(len(nodes) < 2 or len(set(nodes)) < len(nodes) for nodes in found.values()):
        raise FixableError(f"the pods are not spread: {found}")
    return "; ".join(f"{workload} on {', '.join(nodes)}" for workload, nodes in found.items())
