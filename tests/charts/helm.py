"""Run helm on the project's charts."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHARTS = ROOT / "charts"
NAMES = ["llm-api", "llm-runtime"]

Manifest = dict[str, Any]
Render = Callable[..., dict[str, Manifest]]
Refusal = Callable[..., str]


@dataclass
class Helm:
    """The helm program at `path`."""

    path: str

    def template(
        self,
        chart: Path,
        *settings: str,
        files: Sequence[Path] = (),
        release: str = "",
        namespace: str = "llm",
    ) -> list[Manifest]:
        """Return the objects of a chart rendered with files of values and `--set` arguments.

        Raises:
            CalledProcessError: helm refused the chart or its values; `stderr` says why.
        """
        arguments = [argument for file in files for argument in ("--values", str(file))]
        arguments += [argument for setting in settings for argument in ("--set", setting)]
        text = subprocess.run(
            [self.path, "template", release or chart.name, str(chart), "--namespace", namespace, *arguments],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        return [manifest for manifest in yaml.safe_load_all(text) if manifest]


def with_image(chart: str, settings: tuple[str, ...]) -> tuple[str, ...]:
    """Return settings that name an image where the chart has no default."""
    ollama = chart == "llm-runtime" and not any(
        "engine=llamacpp" in s or "engine=simulated" in s for s in settings
    )
    return settings if ollama else (f"image.repository=registry.example/{chart}", *settings)


def by_kind(manifests: list[Manifest]) -> dict[str, Manifest]:
    """Key objects by kind, or by kind/name where there are several; leave out what is for `helm test`."""
    manifests = [manifest for manifest in manifests if not name(manifest).endswith("-test")]
    kinds = [manifest["kind"] for manifest in manifests]
    return {
        kind if kinds.count(kind) == 1 else f"{kind}/{name(manifest)}": manifest
        for kind, manifest in zip(kinds, manifests, strict=True)
    }


def name(manifest: Manifest) -> str:
    return str(manifest.get("metadata", {}).get("name", ""))


def pod(objects: dict[str, Manifest]) -> Manifest:
    """Return the specification of the workload's pods."""
    workload = objects.get("Deployment") or objects["StatefulSet"]
    return dict(workload["spec"]["template"]["spec"])


def container(objects: dict[str, Manifest]) -> Manifest:
    (only,) = pod(objects)["containers"]
    return dict(only)


def environment(container: Manifest) -> dict[str, Any]:
    """Return the values of a container's variables, or where they come from, by name."""
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in container["env"]}
