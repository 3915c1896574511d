"""The Kubernetes manifests of a k6 run: the Job, and the ConfigMap with its scripts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from dev.settings import API_PORT, NAMESPACE, ROOT, SETTINGS

SCRIPTS = ROOT / "load"
IMAGE = SETTINGS["k6_image"].default
URL = f"http://llm-api.{NAMESPACE}:{API_PORT}"
SCENARIOS = ("smoke", "steady", "ramp", "burst", "soak")
LABELS = {"app.kubernetes.io/name": "llm-load"}  # as in load/job.yaml; NetworkPolicies select them
# A line per request instead of a progress bar, and no usage report to k6's makers.
K6_ARGUMENTS = ("run", "--quiet", "--no-color", "--no-usage-report", "--log-format=raw", "--address=")


@dataclass(frozen=True)
class Run:
    """A script of load/ by its name, and its settings as the environment variables that load/lib.js lists."""

    script: str
    settings: Mapping[str, str]


def config_map(name: str) -> dict[str, Any]:
    """Return the ConfigMap with all scripts of load/."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": LABELS},
        "data": {path.name: path.read_text() for path in sorted(SCRIPTS.glob("*.js"))},
    }


def job(name: str, run: Run, image: str = IMAGE) -> dict[str, Any]:
    """Return load/job.yaml with name, image and run filled in."""
    manifest: dict[str, Any] = yaml.safe_load((SCRIPTS / "job.yaml").read_text())
    manifest["metadata"]["name"] = name
    pod = manifest["spec"]["template"]["spec"]
    pod["volumes"][0]["configMap"]["name"] = name
    container = pod["containers"][0]
    container["image"] = image
    container["args"] = [*K6_ARGUMENTS, f"/scripts/{run.script}.js"]
    container["env"] += [{"name": key, "value": value} for key, value in sorted(run.settings.items())]
    return manifest
