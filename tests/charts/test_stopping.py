"""How a pod stops: it keeps serving for a while, gets SIGTERM, and has a grace period for its requests."""

import pytest

from tests.charts.helm import Render, container, environment, pod

VALUES = {
    "llm-api": ["preStopSeconds=4", "settings.shutdownGraceSeconds=33"],
    "llm-runtime": ["preStopSeconds=4", "shutdownGraceSeconds=33"],
}


@pytest.mark.parametrize(
    ("chart", "setting", "variable"),
    [
        ("llm-api", "development=false", "LLM_SHUTDOWN_GRACE_SECONDS"),
        ("llm-api", "development=true", "LLM_SHUTDOWN_GRACE_SECONDS"),
        ("llm-runtime", "engine=llamacpp", "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"),
        ("llm-runtime", "engine=simulated", "UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"),
    ],
)
def test_a_server_that_drains_at_sigterm_gets_it_after_a_sleep(
    render: Render, chart: str, setting: str, variable: str
) -> None:
    objects = render(chart, setting, *VALUES[chart])
    assert container(objects)["lifecycle"] == {"preStop": {"sleep": {"seconds": 4}}}
    assert environment(container(objects))[variable] == "33"
    assert pod(objects)["terminationGracePeriodSeconds"] > 4 + 33


def test_ollama_which_drops_its_requests_at_sigterm_is_drained_before_it(render: Render) -> None:
    objects = render("llm-runtime", *VALUES["llm-runtime"])
    command = ["bash", "/scripts/ollama.sh", "drain", "4", "33"]
    assert container(objects)["lifecycle"] == {"preStop": {"exec": {"command": command}}}
    assert pod(objects)["terminationGracePeriodSeconds"] > 4 + 33


def test_a_gateway_serves_on_after_sigterm_for_services_that_forget_its_address_late(render: Render) -> None:
    made = container(render("llm-api", "development=false"))
    assert float(environment(made)["LLM_SHUTDOWN_QUIET_SECONDS"]) >= 1
    assert "lifecycle" not in made


@pytest.mark.parametrize(
    ("chart", "setting"), [("llm-api", "replicas=1"), ("llm-runtime", "engine=llamacpp")]
)
def test_without_seconds_to_sleep_there_is_no_hook(render: Render, chart: str, setting: str) -> None:
    """Kubernetes rejects a sleep of 0 seconds before 1.33."""
    assert "lifecycle" not in container(render(chart, setting, "preStopSeconds=0"))
