"""The charts as Helm installs them: the API server accepts them, and a second upgrade changes nothing."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from dev.settings import CONTEXT, ROOT

pytestmark = pytest.mark.e2e

NAMESPACE = "llm-e2e-release"
PATH = os.pathsep.join([str(ROOT / ".tools/bin"), os.environ["PATH"]])
# No node takes these pods: the test is about objects, and must not start a second platform.
UNSCHEDULABLE = ["--set", "nodeSelector.e2e=nowhere"]


def run(program: str, *arguments: str) -> str:
    found = shutil.which(program, path=PATH)
    assert found, f"{program} is missing: make up installs it"
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def helm(*arguments: str) -> str:
    return run("helm", "--kube-context", CONTEXT, "--namespace", NAMESPACE, *arguments)


def kubectl(*arguments: str) -> str:
    return run("kubectl", "--context", CONTEXT, *arguments)


@pytest.fixture(scope="module", autouse=True)
def namespace(gateway: str) -> Iterator[None]:
    """Removes the namespace of this test, whatever happens."""
    yield
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--wait=false")


def generations() -> dict[str, Any]:
    """Return each object's uid and the number of changes of its specification."""
    kinds = "deployments,statefulsets,services,configmaps,horizontalpodautoscalers,serviceaccounts"
    selection = ["--namespace", NAMESPACE, "--selector", "app.kubernetes.io/part-of=llm-platform"]
    listed = kubectl("get", kinds, *selection, "--output=json")
    return {
        f"{o['kind']}/{o['metadata']['name']}": (o["metadata"]["uid"], o["metadata"].get("generation"))
        for o in json.loads(listed)["items"]
    }


@pytest.mark.parametrize("chart", ["llm-runtime", "llm-api"])
def test_a_second_upgrade_changes_nothing(chart: str) -> None:
    folder = str(ROOT / "charts" / chart)
    command = ["upgrade", "--install", chart, folder, "--create-namespace", *UNSCHEDULABLE]
    command += ["--set", {"llm-runtime": "persistence.enabled=false", "llm-api": "development=true"}[chart]]
    helm(*command)
    first, objects = helm("get", "manifest", chart), generations()
    helm(*command)
    assert helm("get", "manifest", chart) == first
    assert generations() == objects


def test_another_size_for_volumes_that_exist_is_refused_with_the_commands_that_change_it() -> None:
    folder = str(ROOT / "charts/llm-runtime")
    command = ["upgrade", "--install", "sized", folder, "--create-namespace", *UNSCHEDULABLE]
    command += ["--set", "fullnameOverride=sized,autoscaling.mode=none,replicas=0"]
    helm(*command, "--set", "persistence.size=1Gi")
    helm(*command, "--set", "persistence.size=1024Mi")  # the same
    with pytest.raises(AssertionError, match="makes volumes of 1Gi, which cannot change") as refusal:
        helm(*command, "--set", "persistence.size=2Gi")
    assert "delete statefulset sized --cascade=orphan" in str(refusal.value)


def test_a_gpu_that_no_node_has_is_refused_with_its_fix_and_before_anything_is_applied() -> None:
    folder = str(ROOT / "charts/llm-runtime")
    command = ["upgrade", "--install", "on-gpu", folder, "--create-namespace", *UNSCHEDULABLE]
    command += ["--set", "fullnameOverride=on-gpu,autoscaling.mode=none,replicas=0"]
    asked = ["--set", r"gpu.count=1,gpu.resource=e2e.example/gpu"]
    with pytest.raises(AssertionError, match=r"no node of this cluster has more than 0 of e2e\.") as refusal:
        helm(*command, *asked)
    assert "--set gpu.checkNodes=false" in str(refusal.value)
    assert not any("on-gpu" in name for name in generations())
    helm(*command, *asked, "--set", "gpu.checkNodes=false")
    assert "StatefulSet/on-gpu" in generations()
