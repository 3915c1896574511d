"""What the local profile refuses before it starts anything, and what it reports while it waits."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

from dev import FixableError, configuration
from dev.doctor import report as doctor
from dev.doctor.choice import choose
from dev.doctor.probe import NOT_ASKED
from dev.settings import Values
from dev.up import local, processes
from tests.dev.fake_gateway import FakeGateway


def values(**variables: str) -> Values:
    given = configuration.given({"PROFILE": "local", **variables})
    return choose(configuration.parse(given), NOT_ASKED, detect=False)[0]


@pytest.fixture
def broken_wheel(tmp_path: Path) -> Path:
    """A project whose environment has a Python that cannot import llama.cpp."""
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(
        '#!/bin/sh\necho "ImportError: libgomp.so.1: cannot open shared object file" >&2\nexit 1\n'
    )
    python.chmod(0o755)
    return tmp_path


def test_a_model_that_is_not_here_is_refused_and_never_played_by_another() -> None:
    with pytest.raises(FixableError, match=r"(?s)MODEL=gemma3:270m is not here.*RUNTIME_MODEL_PATH="):
        local.check_model(values(MODEL="gemma3:270m"), {})


@pytest.mark.parametrize("given", [{}, {"ENGINE": "simulated", "MODEL": "gemma3:270m"}])
def test_the_packaged_model_and_any_simulated_one_are_here(given: dict[str, str]) -> None:
    local.check_model(values(**given), {})


def test_a_model_file_is_found_from_where_make_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.gguf").write_bytes(b"GGUF...")
    monkeypatch.chdir(tmp_path)
    own = {"RUNTIME_MODEL_PATH": "own.gguf", "RUNTIME_CHAT_TEMPLATE_PATH": "own.jinja"}
    both = processes.environment(values(MODEL="own:1b"), own)
    assert [both[name] for name in own] == [str(tmp_path / "own.gguf"), str(tmp_path / "own.jinja")]
    local.check_model(values(MODEL="own:1b"), own)


def test_a_model_file_that_is_missing_or_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.gguf").write_text("<html>")
    for name, reason in (
        ("absent.gguf", "No such file"),
        ("page.gguf", "not a GGUF file"),
        ("", "directory"),
    ):
        with pytest.raises(FixableError, match=f"(?s){reason}.*fix:"):
            local.check_model(values(), {"RUNTIME_MODEL_PATH": str(tmp_path / name)})


def test_a_wheel_that_cannot_be_loaded_is_refused_with_its_own_message(broken_wheel: Path) -> None:
    with pytest.raises(FixableError, match=r"(?s)libgomp\.so\.1.*apt install libgomp1.*ENGINE=simulated"):
        local.check_engine(values(), broken_wheel)
    local.check_engine(values(ENGINE="simulated"), broken_wheel)


def test_a_refusal_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "local", lambda _: [])
    monkeypatch.setattr(local, "supervise", lambda *_: pytest.fail("the processes were started"))
    with pytest.raises(FixableError, match="is not here"):
        local.start(values(MODEL="gemma3:270m"), {})
    with pytest.raises(FixableError, match="LLM_MODEL=other"):
        local.start(values(), {"LLM_MODEL": "other"})


def test_what_the_environment_passes_on_is_named_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "local", lambda _: [])
    monkeypatch.setattr(local, "supervise", lambda *_: 0)
    assert local.start(values(ENGINE="simulated"), {"LLM_API_KEYS": "secret", "RUNTIME_SLOTS": "2"}) == 0
    shown = capsys.readouterr().out
    assert "passed on from the environment: LLM_API_KEYS, RUNTIME_SLOTS" in shown
    assert "secret" not in shown


def test_a_gateway_that_stays_unready_is_reported_once_with_its_reason_and_the_variables(
    gateway: FakeGateway, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = {"type": "model_missing", "message": "the runtime does not have smollm2:135m; it has: none"}
    gateway.refusals["/ready"] = (503, {"error": reason})
    monkeypatch.setattr(local, "READY_WITHIN", -1)
    given: dict[str, Any] = {**values(), "api_port": int(gateway.url.rpartition(":")[2])}
    environment = processes.environment(given, {"LLM_MAX_RUNNING": "7"})
    progress = local.follow(given, environment, time.monotonic())
    next(progress)
    shown = capsys.readouterr().out
    assert "it has: none" in shown
    assert "LLM_MAX_RUNNING" in shown
    assert "LLM_MODEL" not in shown, "what the settings decide is not from the environment"
    next(progress)
    assert capsys.readouterr().out == ""
    gateway.refusals.clear()
    next(progress, None)
    shown = capsys.readouterr().out
    assert "smollm2:135m (ENGINE=llamacpp)" in shown
    assert re.search(r"seconds  checks \d+\.\d, .*gateway \d+\.\d, model \d+\.\d", shown)
