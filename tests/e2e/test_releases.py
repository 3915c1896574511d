"""The charts as helm installs them: the API server takes them, and a second upgrade changes nothing."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.settings import CONTEXT

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
NAMESPACE = "llm-e2e-release"
PATH = os.pathsep.join([str(ROOT / ".tools/bin"), os.environ["PATH"]])
# Pods that no node takes: this is about objects, not about another platform beside the one that runs.
NOWHERE = ["--set", "nodeSelector.e2e=nowhere"]


def run(program: str, *arguments: str) -> str:
    found = shutil.which(program, path=PATH)
    assert found, f"{program} is missing: make up installs it"
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def helm(*arguments: str) -> str:
    return run("helm", "--kube-context", CONTEXT, "--namespace", NAMESPACE, *arguments)


@pytest.fixture(scope="module", autouse=True)
def namespace(gateway: str) -> Iterator[None]:
    """A namespace of its own, removed whatever happens."""
    yield
    run(
        "kubectl",
        "--context",
        CONTEXT,
        "delete",
        "namespace",
        NAMESPACE,
        "--ignore-not-found",
        "--wait=false",
    )


def generations() -> dict[str, Any]:
    """How often the specification of each object was changed."""
    kinds = "deployments,statefulsets,services,configmaps,horizontalpodautoscalers,serviceaccounts"
    ours = ["--namespace", NAMESPACE, "--selector", "app.kubernetes.io/part-of=llm-platform"]
    listed = run("kubectl", "--context", CONTEXT, "get", kinds, *ours, "--output=json")
    return {
        f"{o['kind']}/{o['metadata']['name']}": (o["metadata"]["uid"], o["metadata"].get("generation"))
        for o in json.loads(listed)["items"]
    }


@pytest.mark.parametrize("chart", ["llm-runtime", "llm-api"])
def test_a_second_upgrade_changes_nothing(chart: str) -> None:
    command = ["upgrade", "--install", chart, str(ROOT / "charts" / chart), "--create-namespace", *NOWHERE]
    if chart == "llm-runtime":
        command += ["--set", "persistence.enabled=false"]
    helm(*command)
    first, objects = helm("get", "manifest", chart), generations()
    helm(*command)
    assert helm("get", "manifest", chart) == first
    assert generations() == objects
