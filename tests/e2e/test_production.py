"""The API server takes the production overlays where Pod Security "restricted" is enforced.

All of it is a dry run: only an empty namespace is created, and removed again.
"""

import copy
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from dev.settings import CONTEXT, ROOT
from tests.waiting import until_sync

pytestmark = pytest.mark.e2e

NAMESPACE = "llm-prod-check"
PATH = os.pathsep.join([str(ROOT / ".tools/bin"), os.environ["PATH"]])
LABEL = "pod-security.kubernetes.io"
IMAGE = ["--set", "image.repository=registry.example/llm", "--set", "image.digest=sha256:" + "0" * 64]
OVERLAYS = {"production": ["values-production.yaml"], "gpu": ["values-production.yaml", "values-gpu.yaml"]}
EXTENSIONS = {
    "HTTPRoute": "httproutes.gateway.networking.k8s.io",
    "ScaledObject": "scaledobjects.keda.sh",
    "ServiceMonitor": "servicemonitors.monitoring.coreos.com",
}
"""The kinds that other projects define, with the name of their definition."""

Manifest = dict[str, Any]


def run(program: str, *arguments: str, manifests: list[Manifest] | None = None) -> str:
    """Return the output of a program that has no errors and no warnings of the API server."""
    found = shutil.which(program, path=PATH)
    assert found, f"{program} is missing: make up installs it"
    given = None if manifests is None else yaml.safe_dump_all(manifests)
    done = subprocess.run([found, *arguments], input=given, capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def kubectl(*arguments: str, manifests: list[Manifest] | None = None) -> str:
    return run("kubectl", "--context", CONTEXT, *arguments, manifests=manifests)


def dry_run(manifests: list[Manifest]) -> None:
    kubectl("apply", "--namespace", NAMESPACE, "--dry-run=server", "--filename=-", manifests=manifests)


def rendered(chart: str, overlay: str) -> list[Manifest]:
    folder = ROOT / "charts" / chart
    values = [f"--values={folder / name}" for name in OVERLAYS[overlay]]
    text = run("helm", "template", chart, str(folder), "--namespace", NAMESPACE, *values, *IMAGE)
    return [manifest for manifest in yaml.safe_load_all(text) if manifest]


@pytest.fixture(scope="module", autouse=True)
def namespace(api: Any) -> Iterator[None]:
    """A namespace that refuses pods that are not restricted, and warns of workloads with such pods."""
    labels = {f"{LABEL}/{mode}": "restricted" for mode in ("enforce", "warn")}
    metadata = {"name": NAMESPACE, "labels": labels}
    kubectl(
        "apply", "--filename=-", manifests=[{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}]
    )
    try:
        get = ("get", "serviceaccounts", "--namespace", NAMESPACE, "--output=json")
        until_sync("the default service account", lambda: json.loads(kubectl(*get))["items"])
        yield
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--timeout=60s")


@pytest.fixture(scope="module")
def definitions() -> set[str]:
    return set(kubectl("get", "customresourcedefinitions", "--output=name").replace("/", " ").split())


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("chart", ["llm-api", "llm-runtime"])
def test_the_api_server_accepts_the_overlay_without_a_warning(chart: str, overlay: str) -> None:
    own = [manifest for manifest in rendered(chart, overlay) if manifest["kind"] not in EXTENSIONS]
    kinds = {manifest["kind"] for manifest in own}
    assert {"Service", "ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "Pod"} <= kinds
    assert kinds & {"Deployment", "StatefulSet"}
    dry_run([as_default(manifest) for manifest in own])


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("chart", ["llm-api", "llm-runtime"])
def test_a_pod_of_the_overlay_is_admitted(chart: str, overlay: str) -> None:
    (template,) = [
        manifest["spec"]["template"]
        for manifest in rendered(chart, overlay)
        if manifest["kind"] in ("Deployment", "StatefulSet")
    ]
    made = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": chart},
        "spec": copy.deepcopy(template["spec"]),
    }
    made["spec"]["volumes"].append({"name": "models", "emptyDir": {}})  # instead of the StatefulSet's claim
    dry_run([as_default(made)])


def as_default(manifest: Manifest) -> Manifest:
    """Return a pod with a service account that exists: a dry run creates none."""
    if manifest["kind"] == "Pod":
        manifest["spec"]["serviceAccountName"] = "default"
    return manifest


def test_a_pod_that_is_not_restricted_would_be_refused() -> None:
    pod = {"containers": [{"name": "a", "image": "a"}]}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        dry_run([made])


@pytest.mark.parametrize("overlay", OVERLAYS)
@pytest.mark.parametrize("kind", EXTENSIONS)
@pytest.mark.parametrize("chart", ["llm-api", "llm-runtime"])
def test_an_object_of_another_project_is_accepted_where_its_kind_is_known(
    chart: str, kind: str, overlay: str, definitions: set[str]
) -> None:
    found = [manifest for manifest in rendered(chart, overlay) if manifest["kind"] == kind]
    if not found:
        assert chart == "llm-runtime", f"{chart} has no {kind}"
        pytest.skip(f"Ollama's overlay has no {kind}")
    if EXTENSIONS[kind] not in definitions:
        pytest.skip(f"the cluster has no {EXTENSIONS[kind]}")
    dry_run(found)
