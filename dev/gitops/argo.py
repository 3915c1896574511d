"""Argo CD in the cluster: installs it, gives it releases, reads what it says of them, and removes it."""

import json
from typing import Any

from dev import FixableError, kubectl
from dev.doctor import tools
from dev.gitops import manifests
from dev.gitops.manifests import ARGOCD, PROJECT, Release
from dev.gitops.source import read, with_mirror
from dev.settings import NAMESPACE, ROOT, Values
from dev.tilt import sources
from dev.tilt.policies import FILES

READY_SECONDS = 300  # the images are pulled, and Redis' password is made first
REMOVED_SECONDS = 180
HERE = ("--namespace", ARGOCD)
SERVER_SIDE = ("apply", "--server-side", "--force-conflicts", "--field-manager=llm-platform")
PARTS = (
    "deployment/argocd-redis",
    "deployment/argocd-repo-server",
    "deployment/argocd-applicationset-controller",
    "statefulset/argocd-application-controller",
)
TILT = "app.kubernetes.io/managed-by=tilt"  # Tilt's label on all that it applies


def check_tilt() -> None:
    """Check that Tilt does not apply the objects that Argo CD would.

    Raises:
        FixableError: it does.
    """
    kinds = "deployments,statefulsets"
    found = kubectl.output("get", kinds, "--namespace", NAMESPACE, "--selector", TILT, "--output=name")
    if found.split():
        problem = f"Tilt has applied {', '.join(found.split())}, and two cannot own the same objects"
        raise FixableError(
            problem, "make down KEEP=cluster (after Ctrl-C in Tilt's terminal), then make gitops"
        )


def install(values: Values) -> None:
    """Install Argo CD without its server and page, and wait until all of it runs.

    Raises:
        FixableError: it cannot be had, or does not start.
    """
    text = with_mirror(read(values["argocd_manifests"]), sources.mirror(values))
    for name in (ARGOCD, NAMESPACE):
        kubectl.output(*SERVER_SIDE, "--filename=-", text=json.dumps(manifests.namespace(name)))
    for file in FILES:  # what belongs to the namespace, and to no release
        kubectl.output(*SERVER_SIDE, "--filename", str(ROOT / file))
    kubectl.output(*SERVER_SIDE, *HERE, "--filename=-", text=text)
    for part in PARTS:
        kubectl.until(lambda part=part: ready(part), READY_SECONDS)  # type: ignore[misc]
    objects = [*manifests.repositories(), manifests.project()]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    kubectl.output(*SERVER_SIDE, "--filename=-", text=text)


def ready(workload: str) -> str:
    """Return the name of a workload of Argo CD that is ready.

    Raises:
        FixableError: it is not.
    """
    found = kubectl.shown(workload, *HERE)
    if found["status"].get("readyReplicas", 0) < 1:
        raise FixableError(f"{workload} of Argo CD is not ready", f"kubectl {' '.join(HERE)} get pods")
    return workload


def deploy(releases: list[Release], previous: list[Release]) -> None:
    """Give Argo CD the releases to install.

    Raises:
        FixableError: the API server refused.
    """
    made = manifests.application_set(releases, previous)
    kubectl.output(*SERVER_SIDE, "--filename=-", text=json.dumps(made))


def deployed() -> tuple[list[Release], list[Release]]:
    """Return the releases that Argo CD has, and those before them; none where it has none.

    Raises:
        FixableError: the API server refused.
    """
    if not is_installed():
        return [], []
    return manifests.releases(kubectl.shown("applicationset", PROJECT, *HERE))


def application(chart: str) -> dict[str, Any]:
    """Return an application as Argo CD has it.

    Raises:
        FixableError: there is none.
    """
    return kubectl.shown("application", chart, *HERE)


def is_compared(found: dict[str, Any], release: Release) -> bool:
    """Return whether what an application says is about this release."""
    source = found.get("status", {}).get("sync", {}).get("comparedTo", {}).get("source", {})
    helm = source.get("helm", {})
    return bool(source.get("targetRevision") == release.version and helm.get("values") == release.values)


def state(found: dict[str, Any]) -> str:
    """Return what Argo CD says of an application, such as `Synced Healthy`, with its reasons."""
    status = found.get("status", {})
    words = [
        status.get("sync", {}).get("status", "Unknown"),
        status.get("health", {}).get("status", "Unknown"),
    ]
    reasons = [condition["message"] for condition in status.get("conditions", [])]
    operation = status.get("operationState", {})
    if operation.get("phase") in ("Failed", "Error"):
        reasons.append(operation.get("message", ""))
    return " ".join([*words, *reasons])


def synced(releases: list[Release]) -> str:
    """Return `Synced Healthy` if Argo CD says so of every release.

    Raises:
        FixableError: it does not.
    """
    for release in releases:
        found = application(release.chart)
        said = state(found)
        if not is_compared(found, release):
            raise FixableError(f"Argo CD has not compared {release.chart} {release.version} yet: {said}")
        if said.split()[:2] != ["Synced", "Healthy"]:
            raise FixableError(f"{release.chart} is {said}", f"kubectl {' '.join(HERE)} get applications")
    return "Synced Healthy"


def refresh(chart: str) -> None:
    """Ask Argo CD to compare an application anew, and wait until it has.

    Raises:
        FixableError: it does not.
    """
    name = "argocd.argoproj.io/refresh"
    kubectl.output("annotate", "application", chart, *HERE, "--overwrite", f"{name}=normal")

    def compared() -> str:
        if name in application(chart)["metadata"].get("annotations", {}):
            raise FixableError(f"Argo CD does not compare {chart}")
        return chart

    kubectl.until(compared, 60)


def is_installed() -> bool:
    """Return whether Argo CD manages the platform in the cluster; no cluster is no reason to fail."""
    if tools.find("kubectl") is None:
        return False
    done = kubectl.call("get", "applicationset", PROJECT, *HERE, "--output=name", "--request-timeout=5s")
    return done.returncode == 0


def remove() -> None:
    """Remove the platform, by Argo CD itself, and then Argo CD; its CRDs go last.

    Raises:
        FixableError: something does not end.
    """
    if is_installed():
        remove_applications()
    for name in (NAMESPACE, ARGOCD):
        kubectl.output("delete", "namespace", name, "--ignore-not-found", "--timeout=50s")
    role = ("clusterrole,clusterrolebinding", "argocd-application-controller")
    kubectl.output("delete", *role, "--ignore-not-found")
    kinds = [f"{kind}.argoproj.io" for kind in ("applications", "applicationsets", "appprojects")]
    kubectl.output("delete", "crd", *kinds, "--ignore-not-found", "--timeout=50s")


def remove_applications() -> None:
    """Let Argo CD remove what it has installed, and wait until it has.

    Raises:
        FixableError: something does not end.
    """
    kubectl.output("delete", "applicationset", PROJECT, *HERE, "--wait=false")

    def gone() -> str:
        left = kubectl.output("get", "applications", *HERE, "--output=name").split()
        if left:
            raise FixableError(f"Argo CD has not removed {', '.join(left)}")
        return "gone"

    kubectl.until(gone, REMOVED_SECONDS)
