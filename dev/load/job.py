"""The k6 Job and the ConfigMap with its scripts, as the API server wants them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dev.settings import SETTINGS

SCRIPTS = Path(__file__).resolve().parents[2] / "load"
NAMESPACE = "llm"
IMAGE = SETTINGS["k6_image"].default
URL = "http://llm-api.llm:8000"
SCENARIOS = ("smoke", "steady", "ramp", "burst", "soak")
# One line per request on its own, no progress bar, nothing sent to anyone.
K6_ARGUMENTS = ("run", "--quiet", "--no-color", "--no-usage-report", "--log-format=raw", "--address=")


@dataclass(frozen=True)
class Run:
    """What is to be run: a script's name, and its settings as the environment variables that lib.js names."""

    script: str
    settings: Mapping[str, str]


def config_map(name: str) -> dict[str, Any]:
    """All scripts of load/."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/name": "llm-load"}},
        "data": {path.name: path.read_text() for path in sorted(SCRIPTS.glob("*.js"))},
    }


def job(name: str, run: Run, image: str = IMAGE) -> dict[str, Any]:
    """load/job.yaml with the name, the image and the run filled in."""
    manifest: dict[str, Any] = yaml.safe_load((SCRIPTS / "job.yaml").read_text())
    manifest["metadata"]["name"] = name
    pod = manifest["spec"]["template"]["spec"]
    pod["volumes"][0]["configMap"]["name"] = name
    container = pod["containers"][0]
    container["image"] = image
    container["args"] = [*K6_ARGUMENTS, f"/scripts/{run.script}.js"]
    container["env"] += [{"name": key, "value": value} for key, value in sorted(run.settings.items())]
    return manifest
