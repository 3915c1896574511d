"""Fixtures that render the charts or run Ollama's script; tests are skipped where helm or bash is missing."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.charts.helm import CHARTS, ROOT, Helm, Manifest, Refusal, Render, by_kind, with_image
from tests.charts.ollama_pod import Pod


@pytest.fixture(scope="session")
def helm() -> Helm:
    """Find helm on the PATH or among the project's own tools."""
    path = shutil.which("helm", path=os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".tools/bin")]))
    if path is None:
        pytest.skip("helm is neither on the PATH nor in .tools/bin (`make up` installs it)")
    return Helm(path)


@pytest.fixture(scope="session")
def render(helm: Helm) -> Render:
    """Render one of the project's charts with `--set` arguments; return its objects by kind."""

    def call(
        chart: str,
        *settings: str,
        files: Sequence[Path] = (),
        namespace: str = "llm",
        release: str = "",
        folder: Path = CHARTS,
    ) -> dict[str, Manifest]:
        settings = with_image(chart, settings)
        made = helm.template(folder / chart, *settings, files=files, release=release, namespace=namespace)
        return by_kind(made)

    return call


@pytest.fixture(scope="session")
def refusal(helm: Helm) -> Refusal:
    """Render a chart with values that it must refuse; return why."""

    def call(chart: str, *settings: str, files: Sequence[Path] = ()) -> str:
        with pytest.raises(subprocess.CalledProcessError) as failure:
            helm.template(CHARTS / chart, *settings, files=files)
        return str(failure.value.stderr)

    return call


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    """The folder of a pod in which Ollama's script runs."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not on the PATH")
    return Pod(tmp_path)
