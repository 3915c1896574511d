"""The resources that the Tiltfile makes of each setting that matters."""

import os
import subprocess

import pytest

from dev.settings import SETTINGS
from tests.tilt.evaluated import CLUSTER, Evaluator

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
def test_the_cluster_gets_what_the_settings_name_and_nothing_else(
    arguments: tuple[str, ...], wanted: set[str], evaluate: Evaluator
) -> None:
    made = evaluate(*arguments)
    assert made.status == 0, made.log
    assert set(made.resources) == wanted


def test_all_models_reach_the_runtime_and_the_first_one_the_gateway(evaluate: Evaluator) -> None:
    made = evaluate("--model=first:1,second:2", "--monitoring=false")
    assert made.status == 0, made.log
    assert "first:1 first:1" in made.text("llm-runtime")
    assert "second:2 second:2" in made.text("llm-runtime")
    assert "first:1" in made.text("llm-api")
    assert "second:2" not in made.text("llm-api")


def test_the_local_profile_has_two_processes_and_the_tests(evaluate: Evaluator) -> None:
    made = evaluate("--profile=local", context="somewhere-else")
    assert made.status == 0, made.log
    assert set(made.resources) == {
        "environment",
        "llm-runtime",
        "llm-api",
        "unit-tests",
        "chart-tests",
        "lint",
    }
    assert "dev.server" in made.text("llm-api")


@pytest.mark.parametrize("profile", ["cluster", "local"])
def test_the_gateway_links_to_the_chat_page_and_to_its_api(profile: str, evaluate: Evaluator) -> None:
    made = evaluate(f"--profile={profile}", "--api_port=8001", "--monitoring=false")
    assert made.status == 0, made.log
    gateway = made.resources["llm-api"]["DeployTarget"]
    links = {link["Name"]: link["URL"]["Host"] + link["URL"]["Path"] for link in gateway["Links"]}
    for forward in gateway.get("portForwardTemplateSpec", {}).get("forwards", ()):
        links[forward["name"]] = f"{forward['host']}:{forward['localPort']}"
    assert links == {"chat": "localhost:8001", "API": "localhost:8001/docs"}


def test_any_other_context_is_refused_with_the_fix(evaluate: Evaluator) -> None:
    made = evaluate("--profile=cluster", context="production")
    assert made.status == 5
    assert "production" in made.log
    assert "fix: make up" in made.log


def test_a_wrong_setting_is_refused_with_its_fix(evaluate: Evaluator) -> None:
    made = evaluate("--engine=olama")
    assert made.status == 5
    assert "fix: ENGINE=ollama" in made.log


def test_help_lists_every_setting_with_values_and_default(evaluate: Evaluator) -> None:
    shown = " ".join(evaluate("--help").log.split())
    for setting in SETTINGS.values():
        assert (f"--{setting.name} " in shown) is setting.tilt, setting.name
    assert "what answers: ollama, host, llamacpp, simulated (default: ollama in" in shown


def test_the_local_profile_needs_no_kubeconfig(evaluate: Evaluator) -> None:
    made = evaluate("--profile=local", "--engine=simulated", context="")
    assert made.status == 0, made.log
    assert {"llm-api", "llm-runtime"} <= made.resources.keys()


def test_the_gateway_waits_for_no_monitoring(evaluate: Evaluator) -> None:
    made = evaluate()
    assert made.waits_for("llm-api") == ["namespaces"]
    assert made.waits_for("llm-runtime") == ["namespaces"]


def test_objects_that_need_a_crd_wait_for_the_chart_that_brings_it(evaluate: Evaluator) -> None:
    made = evaluate("--engine=simulated", "--autoscaler=queue")
    for name in ("service-monitors", "alert-rules", "prometheus", "grafana"):
        assert "kube-prometheus-stack" in made.waits_for(name)
    assert "keda" in made.waits_for("autoscalers")


def test_ollamas_image_is_not_built_and_the_embedded_runtimes_is(evaluate: Evaluator) -> None:
    assert not evaluate().resources["llm-runtime"]["ImageTargets"]
    for engine in ("llamacpp", "simulated"):
        made = evaluate(f"--engine={engine}", "--monitoring=false")
        assert "live_update" in made.text("llm-runtime").lower().replace("liveupdate", "live_update")


def test_a_save_is_synced_and_a_changed_lock_is_installed_in_the_pod(evaluate: Evaluator) -> None:
    built = evaluate().text("llm-api")
    assert '"/app/api"' in built
    assert "/app/dev/bootstrap" in built
    assert "kill -USR1 1" in built
    assert "Dockerfile" in built


def test_pods_are_development_pods_with_short_scaling_windows(evaluate: Evaluator) -> None:
    made = evaluate("--engine=llamacpp", "--monitoring=false")
    for name in ("llm-api", "llm-runtime"):
        assert "readOnlyRootFilesystem: false" in made.text(name)
        assert "stabilizationWindowSeconds: 60" in made.text(name)


def test_tests_and_load_run_only_when_triggered(evaluate: Evaluator) -> None:
    made = evaluate("--monitoring=false")
    by_hand = {name for name, m in made.resources.items() if "tests" in m["Labels"] or "load" in m["Labels"]}
    assert by_hand == {"unit-tests", "chart-tests", "lint", "e2e-tests", "autoscale", "rollout"}
    modes = {made.resources[name]["TriggerMode"] for name in by_hand}
    assert len(modes) == 1
    assert made.resources["llm-api"]["TriggerMode"] not in modes


def test_every_resource_has_one_of_the_labels(evaluate: Evaluator) -> None:
    for made in (evaluate(), evaluate("--profile=local", context="somewhere-else")):
        for name, resource in made.resources.items():
            assert set(resource["Labels"]) <= {"app", "runtime", "monitoring", "https", "tests", "load"}, name
            assert len(resource["Labels"]) == 1, name


def test_the_pinned_release_of_tilts_extensions_works(evaluate: Evaluator) -> None:
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
        pytest.skip(f"Tilt's extensions cannot be fetched from {repository}")
    made = evaluate("--monitoring=false", extensions=os.environ.get("EXTENSIONS_REPO", ""))
    assert made.status == 0, made.log
