"""Where images, charts and Tilt's extensions come from."""

from typing import Any

import pytest

from dev import configuration
from dev.settings import Values
from dev.tilt import plan as tilt_plan
from dev.tilt import sources


def plan(**settings: Any) -> dict[str, Any]:
    return tilt_plan.plan({"gateway": "none", **settings}, {})


def values(**settings: str) -> Values:
    return configuration.parse(settings)


def test_a_mirror_serves_every_image() -> None:
    made = plan(image_registry="mirror.example:5000", autoscaler="queue")
    assert made["build_args"] == {"PYTHON_IMAGE": "mirror.example:5000/library/python:3.14-slim"}
    assert "image.repository=mirror.example:5000/ollama/ollama" in made["runtime_values"]
    assert made["environment"]["K6_IMAGE"].startswith("mirror.example:5000/grafana/k6:")
    flags = made["charts"]["kube-prometheus-stack"]["flags"] + made["charts"]["keda"]["flags"]
    assert {"global.imageRegistry=mirror.example:5000", "global.image.registry=mirror.example:5000"} <= set(
        flags
    )


def test_an_image_of_its_own_setting_wins_over_the_mirror() -> None:
    digest = f"sha256:{'a' * 64}"
    made = plan(image_registry="mirror.example", ollama_image=f"other:5000/ollama:1.2@{digest}")
    values = {"image.repository=other:5000/ollama", "image.tag=1.2", f"image.digest={digest}"}
    assert values <= set(made["runtime_values"])


@pytest.mark.parametrize(
    ("source", "chart", "flags"),
    [
        (
            "oci://h:5000/charts/keda:2.1.0",
            "oci://h:5000/charts/keda",
            ["--version", "2.1.0", "--plain-http"],
        ),
        ("oci://h:5000/charts/keda", "oci://h:5000/charts/keda", ["--plain-http"]),
        ("https://h/charts/keda:2.1.0", "keda", ["--version", "2.1.0", "--repo", "https://h/charts"]),
        ("https://h/keda-2.1.0.tgz", "https://h/keda-2.1.0.tgz", []),
        ("/charts/keda", "/charts/keda", []),
    ],
)
def test_a_charts_source_becomes_helms_arguments(source: str, chart: str, flags: list[str]) -> None:
    made = sources.chart("keda", values(keda_chart=source, charts_plain_http="true"))
    assert (made["chart"], made["flags"]) == (chart, flags)


def test_extensions_have_a_release_unless_they_are_a_folder() -> None:
    assert sources.extensions(values())["ref"].startswith("v")
    assert sources.extensions(values(extensions_repo="file:///x")) == {"url": "file:///x", "ref": ""}
