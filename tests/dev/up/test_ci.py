"""CI's way through a cluster: Tilt beside the tests, and nothing of it afterwards."""

import subprocess
import time
from pathlib import Path

import pytest

from dev import FixableError, tools
from dev.up import ci as ci_cluster
from dev.up import start as up


def test_a_tilt_that_ended_is_told_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\nTiltfile: no such runtime\n")
    child = subprocess.Popen(["true"])
    child.wait()
    with pytest.raises(FixableError, match=r"(?s)Tilt ended.*no such runtime"):
        ci_cluster.wait_until_ready(child, log)


def test_a_gateway_that_is_never_ready_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_URL", "http://127.0.0.1:1")
    (tmp_path / "log").write_text("waiting for a pod")
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        with pytest.raises(FixableError, match=r"(?s)was not ready within 0.1 s.*waiting for a pod"):
            ci_cluster.wait_until_ready(child, tmp_path / "log", patience=0.1)
    finally:
        ci_cluster.end(child)


def test_a_child_that_ignores_an_interrupt_is_ended_all_the_same(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    child = subprocess.Popen(
        ["sh", "-c", f"trap '' INT; touch {ready}; while :; do sleep 0.1; done"], start_new_session=True
    )
    while not ready.exists():
        time.sleep(0.01)
    ci_cluster.end(child, patience=0.3)
    assert child.poll() is not None


def test_what_make_up_is_told_is_what_every_tilt_command_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "path", lambda name: name)
    command = up.tilt("down", {"RUNTIME": "embedded"})
    assert command == ["tilt", "down", "--context", "kind-llm", "--", "--runtime=embedded"]


def test_a_platform_that_does_not_come_up_is_not_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "main", lambda *_: 3)
    monkeypatch.setattr(ci_cluster, "tilt_up", lambda _: pytest.fail("it went on"))
    assert ci_cluster.main({}) == 3
