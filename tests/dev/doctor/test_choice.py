"""What starts on a machine, and which combinations of settings are refused before anything does."""

import pytest

from dev import FixableError, configuration
from dev.doctor.choice import choose
from dev.doctor.probe import ContainerEngine
from dev.settings import Values

READY = ContainerEngine(True, "Docker 28.2.2", 8 * 1024**3, 4)
ABSENT = ContainerEngine(False, "no Docker is on the PATH")


def chosen(containers: ContainerEngine, **variables: str) -> Values:
    return choose(configuration.parse(configuration.given(variables)), containers)[0]


def test_a_container_engine_that_answers_means_the_cluster_with_ollama() -> None:
    values = chosen(READY)
    assert (values["profile"], values["engine"], values["model"]) == ("cluster", "ollama", "gemma3:270m")


def test_without_a_container_engine_llama_cpp_runs_locally_and_one_line_says_why() -> None:
    values, reason = choose(configuration.parse({}), ABSENT)
    assert (values["profile"], values["engine"], values["model"]) == ("local", "llamacpp", "smollm2:135m")
    assert "no Docker is on the PATH" in reason
    assert "\n" not in reason


@pytest.mark.parametrize("engine", ["llamacpp", "simulated"])
@pytest.mark.parametrize("profile", ["cluster", "local"])
def test_the_embedded_engines_run_in_both_profiles(profile: str, engine: str) -> None:
    values = chosen(READY, PROFILE=profile, ENGINE=engine)
    assert (values["profile"], values["engine"], values["model"]) == (profile, engine, "smollm2:135m")


def test_a_simulated_model_may_have_any_name() -> None:
    for profile in ("cluster", "local"):
        assert chosen(READY, PROFILE=profile, ENGINE="simulated", MODEL="qwen3:0.6b")["model"] == "qwen3:0.6b"


@pytest.mark.parametrize(
    ("containers", "variables", "message"),
    [
        (READY, "PROFILE=local ENGINE=ollama", r"(?s)PROFILE=local runs no containers.*fix: ENGINE=llamacpp"),
        (ABSENT, "ENGINE=ollama", r"(?s)ENGINE=ollama needs a container engine.*start Docker.*PROFILE=local"),
        (ABSENT, "PROFILE=cluster", r"(?s)PROFILE=cluster needs a container engine.*start Docker"),
        (READY, "ENGINE=llamacpp MODEL=gemma3:270m", r"(?s)MODEL=gemma3:270m is not in the image.*leave"),
        (READY, "AUTOSCALER=queue MONITORING=false", r"(?s)needs Prometheus.*fix: AUTOSCALER=cpu"),
        (READY, "PROFILE=local API_PORT=8001 RUNTIME_PORT=8001", r"(?s)both 8001.*fix:"),
    ],
)  # fmt: skip
def test_an_impossible_combination_is_refused_with_its_fix(
    containers: ContainerEngine, variables: str, message: str
) -> None:
    with pytest.raises(FixableError, match=message):
        chosen(containers, **dict(pair.split("=") for pair in variables.split()))
