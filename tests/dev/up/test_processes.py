"""The environment of the local profile's processes: what is decided, what is passed on, what is refused."""

import pytest

from dev import FixableError, configuration
from dev.doctor.choice import choose
from dev.doctor.probe import NOT_ASKED
from dev.settings import Values
from dev.up import processes


def values(**variables: str) -> Values:
    given = configuration.given({"PROFILE": "local", **variables})
    return choose(configuration.parse(given), NOT_ASKED, detect=False)[0]


def test_by_default_real_weights_are_served_on_the_designs_ports() -> None:
    environment = processes.environment(values(), {})
    assert environment["RUNTIME_ENGINE"] == "llamacpp"
    assert environment["LLM_MODEL"] == environment["RUNTIME_MODEL"] == "smollm2:135m"
    assert environment["LLM_RUNTIME_URL"] == "http://127.0.0.1:11434"
    assert (environment["API_PORT"], environment["RUNTIME_PORT"]) == ("8000", "11434")


def test_settings_and_inherited_variables_reach_the_processes() -> None:
    inherited = {"LLM_MAX_RUNNING": "7", "LLM_LOG_FORMAT": "json"}
    environment = processes.environment(values(ENGINE="simulated", RUNTIME_PORT="11500"), inherited)
    assert environment["RUNTIME_ENGINE"] == "simulated"
    assert environment["LLM_RUNTIME_URL"] == "http://127.0.0.1:11500"
    assert environment["LLM_MAX_RUNNING"] == "7"
    assert environment["LLM_LOG_FORMAT"] == "json"
    assert environment["LLM_CORS_ORIGINS"] == "localhost"
    assert float(environment["LLM_WAIT_FOR_RUNTIME_SECONDS"]) > 0


def test_with_an_ollama_of_the_host_the_gateway_runs_alone_before_it() -> None:
    given = {**values(), "engine": "host", "model": "qwen3:0.6b,gemma3:270m", "ollama_host": "0.0.0.0:12000"}
    environment = processes.environment(given, {})
    assert environment["LLM_RUNTIME_URL"] == "http://127.0.0.1:12000"
    assert environment["LLM_MODEL"] == "qwen3:0.6b"
    assert "RUNTIME_ENGINE" not in environment
    assert list(processes.commands(given)) == ["gateway"]


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("LLM_MODEL", "MODEL"),
        ("RUNTIME_MODEL", "MODEL"),
        ("RUNTIME_ENGINE", "ENGINE"),
        ("LLM_RUNTIME_URL", "RUNTIME_PORT"),
    ],
)
def test_a_variable_that_contradicts_a_setting_is_refused_by_name(name: str, setting: str) -> None:
    with pytest.raises(
        FixableError, match=f"(?s){name}=other in the environment contradicts.*unset {name}.*{setting}="
    ):
        processes.environment(values(), {name: "other"})


def test_a_variable_that_agrees_with_the_settings_or_is_empty_is_no_contradiction() -> None:
    inherited = {"LLM_MODEL": "smollm2:135m", "RUNTIME_ENGINE": ""}
    assert processes.environment(values(), inherited)["RUNTIME_ENGINE"] == "llamacpp"


def test_the_inherited_variables_of_the_services_are_named_without_their_values() -> None:
    inherited = {
        "LLM_API_KEYS": "secret",
        "RUNTIME_SLOTS": "2",
        "RUNTIME_PORT": "11500",
        "LLM_MODEL": "m",
        "HOME": "/",
    }
    assert processes.passed_on(inherited) == ["LLM_API_KEYS", "RUNTIME_SLOTS"]
