"""What follows from Tilt's settings, before any Tilt runs."""

import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from dev import FixableError
from dev.tilt import plan as tilt_plan
from dev.tilt import sources as tilt_sources
from dev.up import start as up

ROOT = Path(__file__).parents[3]


def plan(**settings: Any) -> dict[str, Any]:
    return tilt_plan.plan(settings, {})


def test_without_settings_ollama_serves_in_the_cluster_with_monitoring_and_hpas() -> None:
    made = plan()
    assert made["where"] == "cluster"
    assert made["builds_runtime"] is False
    assert "engine=ollama" in made["runtime_values"]
    assert "model=gemma3:270m" in made["api_values"]
    assert "autoscaling.mode=cpu" in made["api_values"]
    assert list(made["charts"]) == ["kube-prometheus-stack", "metrics-server"]
    assert made["grafana"] is True


@pytest.mark.parametrize(("runtime", "engine"), [("embedded", "llamacpp"), ("simulated", "simulated")])
def test_the_projects_own_runtime_is_built_and_its_model_is_what_the_gateway_asks_for(
    runtime: str, engine: str
) -> None:
    made = plan(runtime=runtime)
    assert made["builds_runtime"] is True
    assert {f"engine={engine}", "model.name=smollm2:135m", "development=true"} <= set(made["runtime_values"])
    assert "model=smollm2:135m" in made["api_values"]


def test_gateway_and_runtime_are_given_the_same_model() -> None:
    made = plan(model="qwen3:0.6b")
    assert "model=qwen3:0.6b" in made["api_values"]
    assert "model.name=qwen3:0.6b" in made["runtime_values"]


def test_without_monitoring_nothing_of_it_is_installed_and_nothing_asks_for_its_kinds() -> None:
    made = plan(monitoring=False)
    assert list(made["charts"]) == ["metrics-server"]
    assert made["namespaces"] == ["llm"]
    assert made["grafana"] is False
    assert "serviceMonitor.enabled=false" in made["api_values"]


def test_grafana_can_be_left_out_alone() -> None:
    made = plan(grafana=False)
    assert made["monitoring"] is True
    assert made["grafana"] is False
    assert "grafana.enabled=false" in made["charts"]["kube-prometheus-stack"]["flags"]


def test_keda_comes_with_the_queue_autoscaler_alone_and_takes_metrics_servers_place() -> None:
    assert list(plan(autoscaler="queue")["charts"]) == ["kube-prometheus-stack", "keda"]
    assert list(plan(autoscaler="none", monitoring=False)["charts"]) == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"runtime": "olama"}, r"runtime=olama is none of .*embedded.*\n  fix: --runtime=ollama"),
        ({"autoscaler": "memory"}, r"autoscaler=memory is none of cpu, queue, none\n  fix: "),
        ({"autoscaler": "queue", "monitoring": False}, r"(?s)asks Prometheus.*fix: --autoscaler=cpu"),
        ({"keda_chart": "https://charts.example"}, r"(?s)no chart is named.*fix: --keda_chart="),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_its_fix(settings: dict[str, Any], message: str) -> None:
    wanted = {"autoscaler": "queue", **settings} if "keda_chart" in settings else settings
    with pytest.raises(FixableError, match=message):
        tilt_plan.plan(wanted, {})


def test_an_error_is_an_answer_that_the_tiltfile_can_show(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO('{"runtime": "x"}'))
    assert tilt_plan.main() == 0
    assert "runtime=x" in json.loads(capsys.readouterr().out)["error"]


def test_the_local_profile_runs_the_procfiles_processes_in_the_environment_of_make_local() -> None:
    made = tilt_plan.plan(
        {"runtime": "local", "model": "m:1"}, {"API_PORT": "8001", "LLM_LOG_FORMAT": "json"}
    )
    processes = made["processes"]
    assert set(processes["commands"]) == {"runtime", "gateway"}
    assert processes["api_port"] == 8001
    assert processes["environment"]["RUNTIME_ENGINE"] == "llamacpp"
    assert processes["environment"]["LLM_MODEL"] == processes["environment"]["RUNTIME_MODEL"] == "m:1"
    assert "LLM_LOG_FORMAT" not in processes["environment"], "what the user set reaches the process by itself"


def test_a_comma_in_a_value_stays_in_it() -> None:
    assert tilt_plan.assignments({"a": "x,y", "b": True, "c": ""}) == ["a=x\\,y", "b=true"]


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
def test_a_charts_source_is_what_helm_wants_to_be_told(source: str, chart: str, flags: list[str]) -> None:
    told = tilt_sources.chart("keda", {"keda_chart": source, "charts_plain_http": True})
    assert (told["chart"], told["flags"]) == (chart, flags)


def test_extensions_have_a_release_unless_they_are_a_folder() -> None:
    assert tilt_sources.extensions({})["ref"].startswith("v")
    folder = {"extensions_repo": "file:///x"}
    assert tilt_sources.extensions(folder) == {"url": "file:///x", "ref": ""}


@pytest.mark.parametrize(
    ("version", "knows"),
    [("v0.33.21, built 2026", False), ("v0.37.6", True), ("v0.0.0-dev", False), ("", False)],
)
def test_tilt_is_told_a_readiness_timeout_where_it_knows_one(
    version: str, knows: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tilt").write_text(f"#!/bin/sh\necho '{version}'\n")
    (tmp_path / "tilt").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert ("readiness_timeout" in tilt_plan.ci_settings()) is knows


def test_make_up_hands_on_every_setting_that_the_tiltfile_defines() -> None:
    text = (ROOT / "tilt/settings.Tiltfile").read_text()
    defined = re.findall(r'^    "(\w+)": ', text, re.MULTILINE)
    assert sorted(defined) == sorted(up.SETTINGS)


def test_the_example_of_tilt_config_has_only_settings() -> None:
    example = json.loads((ROOT / "tilt_config.example.json").read_text())
    assert set(example) <= set(up.SETTINGS)
    tilt_plan.plan(example, {})
