"""What the local profile refuses before it starts anything, and with which fix."""

from pathlib import Path

import pytest

from dev import FixableError
from dev.doctor import report as doctor
from dev.up import local


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


def test_one_port_for_both_services_is_refused() -> None:
    with pytest.raises(FixableError, match=r"(?s)both 8001.*fix:"):
        local.settings({"API_PORT": "8001", "RUNTIME_PORT": "8001"})


def test_a_model_that_is_not_here_is_refused_and_never_played_by_another() -> None:
    with pytest.raises(FixableError, match=r"(?s)MODEL=gemma3:270m is not here.*RUNTIME_MODEL_PATH="):
        local.check_model(local.settings({"MODEL": "gemma3:270m"}))


@pytest.mark.parametrize("given", [{}, {"RUNTIME": "simulated", "MODEL": "gemma3:270m"}])
def test_the_packaged_model_and_any_simulated_one_are_here(given: dict[str, str]) -> None:
    local.check_model(local.settings(given))


def test_a_model_file_is_found_from_where_make_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own.gguf").write_bytes(b"GGUF...")
    monkeypatch.chdir(tmp_path)
    settings = local.settings({"MODEL": "own:1b", "RUNTIME_MODEL_PATH": "own.gguf"})
    assert settings["RUNTIME_MODEL_PATH"] == str(tmp_path / "own.gguf")
    local.check_model(settings)


def test_a_model_file_that_is_missing_or_something_else_is_refused(tmp_path: Path) -> None:
    for name, reason in (("absent.gguf", "No such file"), ("page.gguf", "no GGUF file"), ("", "directory")):
        (tmp_path / "page.gguf").write_text("<html>")
        settings = local.settings({"RUNTIME_MODEL_PATH": str(tmp_path / name)})
        with pytest.raises(FixableError, match=f"(?s){reason}.*fix:"):
            local.check_model(settings)


def test_a_wheel_that_cannot_be_loaded_is_refused_in_its_own_words(broken_wheel: Path) -> None:
    with pytest.raises(FixableError, match=r"(?s)libgomp\.so\.1.*apt install libgomp1.*RUNTIME=simulated"):
        local.check_engine(local.settings({}), broken_wheel)
    local.check_engine(local.settings({"RUNTIME": "simulated"}), broken_wheel)


def test_a_refusal_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "local", lambda _: [])
    monkeypatch.setattr(local, "supervise", lambda _: pytest.fail("the processes were started"))
    with pytest.raises(FixableError, match="is not here"):
        local.start({"MODEL": "gemma3:270m"})
