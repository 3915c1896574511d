"""What starts on a machine, and which combinations of settings are refused before anything does."""

import pytest

from dev import FixableError, configuration
from dev.doctor import ollama, probe
from dev.doctor.choice import choose
from dev.doctor.ollama import Address, Ollama
from dev.doctor.probe import ContainerEngine
from dev.settings import Values

READY = ContainerEngine(True, "Docker 28.2.2", 8 * 1024**3, 4)
ABSENT = ContainerEngine(False, "no Docker is on the PATH")


@pytest.fixture(autouse=True)
def no_ollama(monkeypatch: pytest.MonkeyPatch) -> None:
    """No Ollama answers, whatever runs on the machine of the tests."""

    def ask(address: Address) -> Ollama:
        raise FixableError(f"no Ollama answers at {address.url()}", "ollama serve")

    monkeypatch.setattr(ollama, "ask", ask)
    monkeypatch.setattr(probe, "port_holder", lambda _: "process 7: /usr/bin/ollama serve")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An Ollama with two models answers everywhere; the list is of the addresses that were asked."""
    urls: list[str] = []

    def ask(address: Address) -> Ollama:
        urls.append(address.url())
        return Ollama(address.url(), "0.12.3", ("qwen3:0.6b", "llama3.2:latest"))

    monkeypatch.setattr(ollama, "ask", ask)
    return urls


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
        (READY, "ENGINE=llamacpp MODEL=a,b", r"(?s)serves one model, and MODEL=a,b names 2.*MODEL=a;"),
        (READY, "PROFILE=local ENGINE=simulated MODEL=a,b", r"(?s)serves one model.*ENGINE=host"),
        (READY, "AUTOSCALER=queue MONITORING=false", r"(?s)needs Prometheus.*fix: AUTOSCALER=cpu"),
        (READY, "SCALE_TO_ZERO=true", r"(?s)needs a runtime in the cluster, and A.*fix: AUTOSCALER=queue"),
        (READY, "PROFILE=local API_PORT=8001 RUNTIME_PORT=8001", r"(?s)both 8001.*fix:"),
        (READY, "ENGINE=host", r"(?s)no Ollama answers at http://127.0.0.1:11434.*fix: ollama serve"),
        (READY, "ENGINE=host RUNTIME_PORT=11500", r"(?s)RUNTIME_PORT=11500 has no use.*127.0.0.1:11500"),
        (READY, "OLLAMA_HOST=host:port", r"(?s)OLLAMA_HOST=host:port is not an address.*fix:"),
    ],
)  # fmt: skip
def test_an_impossible_combination_is_refused_with_its_fix(
    containers: ContainerEngine, variables: str, message: str
) -> None:
    with pytest.raises(FixableError, match=message):
        chosen(containers, **dict(pair.split("=") for pair in variables.split()))


@pytest.mark.parametrize(("containers", "profile"), [(READY, "cluster"), (ABSENT, "local")])
def test_an_ollama_that_runs_here_is_used_and_its_models_are_named(
    containers: ContainerEngine, profile: str, asked: list[str]
) -> None:
    values, reason = choose(configuration.parse({}), containers)
    assert (values["profile"], values["engine"], values["model"]) == (profile, "host", "qwen3:0.6b")
    assert "Ollama 0.12.3 at http://127.0.0.1:11434 has qwen3:0.6b, llama3.2:latest" in reason
    assert asked == ["http://127.0.0.1:11434"]


def test_a_model_is_chosen_among_those_of_the_running_ollama(asked: list[str]) -> None:
    assert chosen(ABSENT, MODEL="llama3.2")["model"] == "llama3.2:latest"
    assert chosen(ABSENT, MODEL="llama3.2,qwen3:0.6b")["model"] == "llama3.2:latest,qwen3:0.6b"
    with pytest.raises(FixableError, match=r"(?s)MODEL=gemma3:270m; it has: qwen3.*ollama pull gemma3:270m"):
        chosen(ABSENT, MODEL="gemma3:270m")


def test_an_engine_that_is_named_a_moved_runtime_and_tilt_leave_a_running_ollama_alone(
    asked: list[str],
) -> None:
    assert chosen(ABSENT, ENGINE="simulated")["engine"] == "simulated"
    assert chosen(ABSENT, RUNTIME_PORT="11500")["engine"] == "llamacpp"
    assert choose(configuration.parse({}), READY, detect=False)[0]["engine"] == "ollama"
    assert asked == []


def test_an_ollama_on_another_machine_is_used_only_when_asked_for(asked: list[str]) -> None:
    assert chosen(READY, OLLAMA_HOST="gpu.example")["engine"] == "ollama"
    assert asked == []
    assert chosen(READY, OLLAMA_HOST="gpu.example", ENGINE="host")["engine"] == "host"
    assert asked == ["http://gpu.example:11434"]


@pytest.mark.parametrize(
    ("holder", "tilt_runs", "engine"),
    [
        ("process 7: /usr/local/bin/tilt up --context kind-llm", True, "ollama"),
        ("process 7: /opt/tilt/ollama serve", True, "host"),
        ("", True, "ollama"),
        ("", False, "host"),
    ],
)
def test_the_platforms_own_runtime_that_tilt_forwards_is_not_an_ollama_of_the_host(
    holder: str, tilt_runs: bool, engine: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "port_holder", lambda _: holder)
    monkeypatch.setattr(probe, "port_is_free", lambda _: not tilt_runs)
    assert chosen(READY)["engine"] == engine
    assert bool(asked) is (engine == "host")
