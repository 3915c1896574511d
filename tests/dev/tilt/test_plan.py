"""What follows from Tilt's settings, before any Tilt runs."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from dev import FixableError, configuration
from dev.doctor import probe
from dev.fault.table import FAULTS
from dev.settings import ROOT, SETTINGS, Values
from dev.tilt import ci
from dev.tilt import plan as tilt_plan


def plan(**settings: Any) -> dict[str, Any]:
    return tilt_plan.plan({"gateway": "none", **settings}, {})


def values(**settings: str) -> Values:
    return configuration.parse(settings)


def test_without_settings_ollama_serves_in_the_cluster_with_monitoring_and_hpas() -> None:
    made = plan()
    assert made["profile"] == "cluster"
    assert made["builds_runtime"] is False
    assert "engine=ollama" in made["runtime_values"]
    assert "model=gemma3:270m" in made["api_values"]
    assert "autoscaling.mode=cpu" in made["api_values"]
    assert list(made["charts"]) == ["kube-prometheus-stack", "metrics-server"]
    assert made["grafana"] is True


@pytest.mark.parametrize("engine", ["llamacpp", "simulated"])
def test_the_embedded_runtime_is_built_and_its_model_is_what_the_gateway_asks_for(engine: str) -> None:
    made = plan(engine=engine)
    assert made["builds_runtime"] is True
    wanted = {f"engine={engine}", "models[0].name=smollm2:135m", "development=true"}
    assert wanted <= set(made["runtime_values"])
    assert "model=smollm2:135m" in made["api_values"]


def models(**settings: Any) -> set[str]:
    """Return what the settings set of the runtime's models."""
    return {value for value in plan(**settings)["runtime_values"] if value.startswith("models")}


def test_the_runtime_is_given_all_models_and_the_gateway_the_first_as_its_default() -> None:
    made = plan(model="qwen3:0.6b, gemma3:270m")
    assert "model=qwen3:0.6b" in made["api_values"]
    assert {"models[0].name=qwen3:0.6b", "models[1].name=gemma3:270m"} <= set(made["runtime_values"])


def test_a_models_source_is_another_name_of_it() -> None:
    assert models(model_source="http://mirror:5000/a/b:1", model_insecure=True) == {
        "models[0].name=gemma3:270m",
        "models[0].source=http://mirror:5000/a/b:1",
        "models[0].insecure=true",
    }


def test_a_source_with_a_slash_at_its_end_stands_before_the_name_of_each_model() -> None:
    assert models(model="a:1,b:2", model_source="mirror.example/library/") == {
        "models[0].name=a:1",
        "models[0].source=mirror.example/library/a:1",
        "models[0].insecure=false",
        "models[1].name=b:2",
        "models[1].source=mirror.example/library/b:2",
        "models[1].insecure=false",
    }


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
        ({"engine": "olama"}, r"(?s)ENGINE=olama is not one of .*llamacpp.*fix: ENGINE=ollama"),
        ({"runtime": "embedded"}, r"(?s)unknown settings: runtime.*runtime is now profile and engine"),
        ({"autoscaler": "memory"}, r"(?s)AUTOSCALER=memory is not one of cpu, queue, none.*fix: "),
        ({"autoscaler": "queue", "monitoring": False}, r"(?s)needs Prometheus.*fix: AUTOSCALER=cpu"),
        ({"model": "a,,b"}, r"(?s)MODEL=a,,b has an empty entry.*fix: MODEL=a,b"),
        ({"model": "a,b", "model_source": "h/library/a"}, r"(?s)MODEL_SOURCE=h/library/a names one.*slash"),
        (
            {"autoscaler": "queue", "keda_chart": "https://charts.example"},
            r"(?s)KEDA_CHART names no chart.*fix: KEDA_CHART=",
        ),
    ],
)
def test_a_wrong_setting_is_refused_with_its_fix(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(FixableError, match=message):
        plan(**settings)


def test_an_error_is_an_answer_that_the_tiltfile_can_show(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    request = {"settings": {"engine": "x"}, "subcommand": "up", "context": "kind-llm"}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(request)))
    assert tilt_plan.main(["plan"]) == 0
    assert "ENGINE=x is not one of" in json.loads(capsys.readouterr().out)["error"]


def test_a_flag_wins_over_the_variable_of_the_same_setting() -> None:
    made = tilt_plan.plan({"model": "a:1"}, {"MODEL": "b:1", "MONITORING": "false"})
    assert "model=a:1" in made["api_values"]
    assert made["monitoring"] is False


def test_beside_another_context_the_profile_is_what_the_machine_can_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "container_engine", lambda: probe.ContainerEngine(False, "no Docker"))
    assert tilt_plan.plan({}, {}, context="production")["profile"] == "local"
    monkeypatch.setattr(probe, "container_engine", lambda: probe.ContainerEngine(True, "Docker 28"))
    assert tilt_plan.plan({}, {}, context="production")["profile"] == "cluster"


def test_the_local_profile_runs_the_procfiles_processes_in_the_environment_of_make_local() -> None:
    flags = {"profile": "local", "engine": "simulated", "model": "m:1"}
    made = tilt_plan.plan(flags, {"API_PORT": "8001", "LLM_LOG_FORMAT": "json"})
    processes = made["processes"]
    assert set(processes["commands"]) == {"runtime", "gateway"}
    assert (made["ports"]["api"], made["ports"]["runtime"]) == (8001, 11434)
    assert processes["environment"]["RUNTIME_ENGINE"] == "simulated"
    assert processes["environment"]["LLM_MODEL"] == processes["environment"]["RUNTIME_MODEL"] == "m:1"
    assert "LLM_LOG_FORMAT" not in processes["environment"], (
        "an inherited variable reaches the process by itself"
    )


def test_a_comma_in_a_value_stays_in_it() -> None:
    assert tilt_plan.assignments({"a": "x,y", "b": True, "c": ""}) == ["a=x\\,y", "b=true"]


@pytest.mark.parametrize(
    ("version", "has_one"),
    [("v0.33.21, built 2026", False), ("v0.37.6", True), ("v0.0.0-dev", False), ("", False)],
)
def test_tilt_gets_a_readiness_timeout_where_it_has_one(
    version: str, has_one: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tilt").write_text(f"#!/bin/sh\necho '{version}'\n")
    (tmp_path / "tilt").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert ("readiness_timeout" in ci.limits()) is has_one


def test_tilt_defines_every_setting_but_those_that_only_make_needs() -> None:
    defined = {setting["name"]: setting for setting in tilt_plan.definitions()["settings"]}
    assert defined.keys() == SETTINGS.keys() - {
        "node_image",
        "registry_image",
        "cluster_command",
        "argocd_manifests",
    }
    assert defined["monitoring"]["switch"]
    assert "ollama, host, llamacpp, simulated" in defined["engine"]["usage"]


def test_the_example_of_tilt_config_has_only_settings() -> None:
    example = json.loads((ROOT / "tilt_config.example.json").read_text())
    assert plan(**example)["profile"] == "cluster"


def test_the_button_offers_every_fault_and_the_drill() -> None:
    assert plan(profile="cluster", engine="simulated")["faults"] == [*FAULTS, "all"]


def test_the_button_of_the_local_profile_offers_no_fault_that_needs_a_cluster() -> None:
    offered = plan(profile="local", engine="simulated")["faults"]
    assert {"hang", "gateway-killed", "all"} <= set(offered)
    assert not {name for name in offered if name != "all" and FAULTS[name].needs_cluster}
