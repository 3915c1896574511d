"""What the Tiltfile comes to in each setting that matters."""

import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

Evaluate = Callable[..., Any]

CLUSTER = {
    "llm-api",
    "llm-runtime",
    "namespaces",
    "unit-tests",
    "chart-tests",
    "lint",
    "e2e-tests",
    "autoscale",
}
MONITORING = {"kube-prometheus-stack", "prometheus", "dashboards", "alert-rules", "service-monitors"}


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), CLUSTER | MONITORING | {"metrics-server", "grafana"}),
        (("--grafana=false",), CLUSTER | MONITORING | {"metrics-server"}),
        (("--monitoring=false",), CLUSTER | {"metrics-server"}),
        (("--engine=llamacpp", "--monitoring=false", "--autoscaler=none"), CLUSTER),
        (
            ("--engine=simulated", "--autoscaler=queue"),
            CLUSTER | MONITORING | {"grafana", "keda", "autoscalers"},
        ),
    ],
)
def test_the_cluster_gets_what_the_settings_say_and_nothing_else(
    arguments: tuple[str, ...], wanted: set[str], evaluate: Evaluate
) -> None:
    made = evaluate(*arguments)
    assert made.status == 0, made.words
    assert set(made.resources) == wanted


def test_without_a_cluster_two_processes_and_the_tests_are_left(evaluate: Evaluate) -> None:
    made = evaluate("--profile=local", context="somewhere-else")
    assert made.status == 0, made.words
    assert set(made.resources) == {
        "environment",
        "llm-runtime",
        "llm-api",
        "unit-tests",
        "chart-tests",
        "lint",
    }
    assert "uvicorn main:app" in made.text("llm-api")
    assert "--reload" in made.text("llm-api")


def test_any_other_context_is_refused_with_the_way_out(evaluate: Evaluate) -> None:
    made = evaluate("--engine=llamacpp", context="production")
    assert made.status == 5
    assert "production" in made.words
    assert "fix: make up" in made.words


def test_a_setting_that_cannot_be_is_refused_with_its_fix(evaluate: Evaluate) -> None:
    made = evaluate("--engine=olama")
    assert made.status == 5
    assert "fix: ENGINE=ollama" in made.words


def test_help_tells_every_setting(evaluate: Evaluate) -> None:
    words = evaluate("--help").words
    for setting in (
        "--profile",
        "--engine",
        "--model",
        "--autoscaler",
        "--monitoring",
        "--extensions_ref",
        "--keda_chart",
    ):
        assert setting in words


def test_the_gateway_waits_for_no_monitoring(evaluate: Evaluate) -> None:
    made = evaluate()
    assert made.waits_for("llm-api") == ["namespaces"]
    assert made.waits_for("llm-runtime") == ["namespaces"]


def test_what_needs_the_operators_kinds_waits_for_the_chart_that_brings_them(evaluate: Evaluate) -> None:
    made = evaluate("--engine=simulated", "--autoscaler=queue")
    for name in ("service-monitors", "alert-rules", "prometheus", "grafana"):
        assert "kube-prometheus-stack" in made.waits_for(name)
    assert "keda" in made.waits_for("autoscalers")


def test_ollamas_image_is_not_built_and_the_projects_own_runtime_is(evaluate: Evaluate) -> None:
    assert not evaluate().resources["llm-runtime"]["ImageTargets"]
    for engine in ("llamacpp", "simulated"):
        made = evaluate(f"--engine={engine}", "--monitoring=false")
        assert "live_update" in made.text("llm-runtime").lower().replace("liveupdate", "live_update")


def test_a_save_is_synced_and_a_changed_lock_is_installed_in_the_pod(evaluate: Evaluate) -> None:
    built = evaluate().text("llm-api")
    assert '"/app/api"' in built
    assert "/app/dev/bootstrap" in built
    assert "Dockerfile" in built


def test_the_pods_are_the_development_ones_with_short_windows(evaluate: Evaluate) -> None:
    made = evaluate("--engine=llamacpp", "--monitoring=false")
    for name in ("llm-api", "llm-runtime"):
        assert "readOnlyRootFilesystem: false" in made.text(name)
        assert "stabilizationWindowSeconds: 60" in made.text(name)


def test_tests_and_proofs_run_only_when_asked(evaluate: Evaluate) -> None:
    made = evaluate("--monitoring=false")
    by_hand = {name for name, m in made.resources.items() if "tests" in m["Labels"] or "load" in m["Labels"]}
    assert by_hand == {"unit-tests", "chart-tests", "lint", "e2e-tests", "autoscale"}
    modes = {made.resources[name]["TriggerMode"] for name in by_hand}
    assert len(modes) == 1
    assert made.resources["llm-api"]["TriggerMode"] not in modes


def test_every_resource_has_one_of_the_labels(evaluate: Evaluate) -> None:
    for made in (evaluate(), evaluate("--profile=local", context="somewhere-else")):
        for name, resource in made.resources.items():
            assert set(resource["Labels"]) <= {"app", "runtime", "monitoring", "tests", "load"}, name
            assert len(resource["Labels"]) == 1, name


def test_the_pinned_release_of_tilts_extensions_serves(evaluate: Evaluate) -> None:
    repository = os.environ.get("EXTENSIONS_REPO") or "https://github.com/tilt-dev/tilt-extensions"
    quiet = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    asked = ["git", "ls-remote", "--quiet", "--tags", repository]
    try:
        reached = (
            subprocess.run(asked, env=quiet, capture_output=True, timeout=20, check=False).returncode == 0
        )
    except (OSError, subprocess.TimeoutExpired):
        reached = False
    if not reached or repository.startswith("file://"):
        pytest.skip(f"Tilt's extensions cannot be had at {repository}")
    made = evaluate("--monitoring=false", extensions=os.environ.get("EXTENSIONS_REPO", ""))
    assert made.status == 0, made.words
