"""Both charts as dependencies of one chart: Helm shares one namespace of template names among them."""

import shutil
from pathlib import Path

import pytest

from tests.charts.helm import CHARTS, NAMES, Helm, with_image

EVERYTHING = [
    "serviceMonitor.enabled=true",
    "podDisruptionBudget.enabled=true",
    "networkPolicy.enabled=true",
    "httpRoute.enabled=true",
    "httpRoute.parentRefs[0].name=llm",
]


@pytest.fixture
def umbrella(tmp_path: Path) -> Path:
    chart = tmp_path / "platform"
    for name in NAMES:
        shutil.copytree(CHARTS / name, chart / "charts" / name)
    (chart / "Chart.yaml").write_text("{apiVersion: v2, name: platform, version: 9.9.9, appVersion: 9.9.9}\n")
    return chart


@pytest.mark.parametrize("engine", ["ollama", "llamacpp"])
@pytest.mark.parametrize("mode", ["cpu", "queue"])
def test_under_an_umbrella_every_object_is_as_when_its_chart_is_rendered_alone(
    helm: Helm, umbrella: Path, engine: str, mode: str
) -> None:
    settings = {
        "llm-api": with_image("llm-api", (*EVERYTHING, f"autoscaling.mode={mode}", "apiKeys.create={key}")),
        "llm-runtime": with_image(
            "llm-runtime", (*EVERYTHING, f"autoscaling.mode={mode}", f"engine={engine}")
        ),
    }
    alone = [
        manifest
        for name in NAMES
        for manifest in helm.template(CHARTS / name, *settings[name], release="platform")
    ]
    nested = [f"{name}.{setting}" for name in NAMES for setting in settings[name]]
    together = helm.template(umbrella, *nested, release="platform")
    assert {"Deployment", "StatefulSet", "Secret"} <= {manifest["kind"] for manifest in alone}
    assert in_order(together) == in_order(alone)


def in_order(manifests: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(manifests, key=lambda manifest: (str(manifest["kind"]), str(manifest["metadata"])))
