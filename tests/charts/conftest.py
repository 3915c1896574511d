"""Charts rendered by helm, and why a test is skipped without it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
Manifest = dict[str, Any]
Render = Callable[..., dict[str, Manifest]]


@pytest.fixture(scope="session")
def helm() -> str:
    """Return the path of helm from the PATH or the project's own tools."""
    places = os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".tools" / "bin")])
    found = shutil.which("helm", path=places)
    if found is None:
        pytest.skip("helm is not on the PATH nor in .tools/bin (make up installs it)")
    return found


@pytest.fixture(scope="session")
def render(helm: str) -> Render:
    """Render a chart under `--set` arguments; raise CalledProcessError where helm refuses them.

    Returns the objects by kind, or by kind/name where a kind comes more than once.
    """

    def call(
        chart: str, *settings: str, namespace: str = "llm", folder: Path = ROOT / "charts"
    ) -> dict[str, Manifest]:
        arguments = [argument for setting in settings for argument in ("--set", setting)]
        text = subprocess.run(
            [helm, "template", chart, str(folder / chart), "--namespace", namespace, *arguments],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        manifests = [manifest for manifest in yaml.safe_load_all(text) if manifest]
        kinds = [manifest["kind"] for manifest in manifests]
        return {
            kind if kinds.count(kind) == 1 else f"{kind}/{manifest['metadata']['name']}": manifest
            for kind, manifest in zip(kinds, manifests, strict=True)
        }

    return call
