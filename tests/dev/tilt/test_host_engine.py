"""The plan for an Ollama that already runs on this machine."""

from typing import Any

import pytest

from dev.doctor import ollama, probe
from dev.doctor.ollama import Ollama
from dev.tilt import plan as tilt_plan


def plan(**settings: Any) -> dict[str, Any]:
    return tilt_plan.plan({"gateway": "none", **settings}, {})


@pytest.fixture
def on_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """An Ollama runs on this machine, which is Docker Desktop's."""
    running = Ollama("http://127.0.0.1:11434", "0.12.3", ("qwen3:0.6b",))
    containers = probe.ContainerEngine(True, "Docker 28", in_vm=True)
    monkeypatch.setattr(ollama, "ask", lambda _: running)
    monkeypatch.setattr(probe, "container_engine", lambda: containers)


@pytest.mark.usefixtures("on_the_host")
def test_with_an_ollama_of_the_host_no_runtime_is_installed_and_the_gateway_asks_the_host() -> None:
    made = plan(engine="host")
    assert made["runs_runtime"] is made["builds_runtime"] is False
    assert made["runtime_values"] == []
    wanted = {"runtime.url=http://host.docker.internal:11434", "runtime.balance=none", "model=qwen3:0.6b"}
    assert wanted <= set(made["api_values"])
    assert made["environment"]["ENGINE"] == "host"


@pytest.mark.usefixtures("on_the_host")
def test_with_an_ollama_of_the_host_the_local_profile_is_the_gateway_alone() -> None:
    made = plan(profile="local", engine="host")
    assert list(made["processes"]["commands"]) == ["gateway"]
    assert made["processes"]["environment"]["LLM_RUNTIME_URL"] == "http://127.0.0.1:11434"


def test_tilt_down_needs_no_ollama_and_removes_whatever_an_engine_has_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ollama, "ask", lambda _: pytest.fail("it was asked"))
    assert tilt_plan.plan({"engine": "host"}, {}, "down")["runs_runtime"] is True
