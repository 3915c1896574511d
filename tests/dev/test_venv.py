"""The environment is made once, kept while the locks stand, and its failures say their fix."""

import subprocess
from pathlib import Path

import pytest

from dev import FixableError, venv


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for lock in {*venv.LOCKS["local"], *venv.LOCKS["all"]}:
        (tmp_path / lock).parent.mkdir(exist_ok=True)
        (tmp_path / lock).write_text("")
    return tmp_path


def test_an_environment_is_made_and_left_alone_while_its_locks_stand(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    venv.ensure("local", root)
    assert venv.is_usable(root)
    assert "locked packages are installed" in capsys.readouterr().out
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was run"))
    venv.ensure("local", root)


def test_locks_that_changed_are_installed_again(root: Path) -> None:
    (root / ".venv").mkdir()
    (root / ".venv/.locked-local").write_text(venv.fingerprint(root, "local"))
    assert venv.is_current(root, "local")
    (root / "api/requirements.txt").write_text("# newer\n")
    assert not venv.is_current(root, "local")


def test_the_environment_of_all_holds_the_local_one_but_not_the_other_way_round(root: Path) -> None:
    (root / ".venv").mkdir()
    (root / ".venv/.locked-all").write_text(venv.fingerprint(root, "all"))
    assert venv.is_current(root, "local")
    (root / ".venv/.locked-all").unlink()
    (root / ".venv/.locked-local").write_text(venv.fingerprint(root, "local"))
    assert not venv.is_current(root, "all")


def test_an_environment_whose_python_is_gone_is_not_usable(root: Path) -> None:
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to("/nowhere/python3")
    (root / ".venv/pyvenv.cfg").write_text("version = 3.11.7\n")
    assert not venv.is_usable(root)


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        ("ERROR: No matching distribution found for xllamacpp==1.0", "PYTHON=python3.12"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE", "pip cache purge"),
        ("OSError: [Errno 28] No space left on device", "free 2 GiB"),
        ("Connection refused", "HTTPS_PROXY"),
        ("after connection broken by 'x'\nERROR: No matching distribution found for a==1", "HTTPS_PROXY"),
    ],
)
def test_what_pip_says_becomes_a_cause_and_a_fix(words: str, fix: str) -> None:
    explained = venv.explain(words)
    assert "  fix: " in explained
    assert fix in explained


def test_a_package_that_cannot_be_had_is_a_fixable_error(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venv, "is_usable", lambda _: True)
    failed = subprocess.CompletedProcess([], 1, stderr="No matching distribution found for xllamacpp")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(FixableError, match="no wheel"):
        venv.ensure("local", root)
    assert not venv.is_current(root, "local")


def test_a_python_that_cannot_make_environments_is_a_fixable_error(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, stdout="ensurepip is not available", stderr="")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(FixableError, match=r"(?s)ensurepip is not available.*apt install python3-venv"):
        venv.ensure("local", root)


def test_an_unknown_kind_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert venv.main(["everything"]) == 2
    assert "usage" in capsys.readouterr().err
