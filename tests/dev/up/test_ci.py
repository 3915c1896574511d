"""What CI does with a cluster: Tilt runs beside the tests, and nothing of it is left afterwards."""

import subprocess
from pathlib import Path

import pytest

from dev import FixableError
from dev.doctor import probe, tools
from dev.up import ci, start, tilt
from tests.waiting import SECONDS, until_sync


def test_a_tilt_that_ended_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("first\nTiltfile: no such engine\n")
    child = subprocess.Popen(["true"])
    child.wait(SECONDS)
    with pytest.raises(FixableError, match=r"(?s)Tilt ended.*no such engine"):
        ci.wait_until_ready(child, log)


def test_a_gateway_that_is_never_ready_ends_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_URL", "http://127.0.0.1:1")
    (tmp_path / "log").write_text("waiting for a pod")
    child = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        with pytest.raises(
            FixableError, match=r"(?s)was not ready in 0.1 s: nothing listens.*waiting for a pod"
        ):
            ci.wait_until_ready(child, tmp_path / "log", seconds=0.1)
    finally:
        ci.end(child)


def test_a_child_that_ignores_an_interrupt_is_ended_all_the_same(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    child = subprocess.Popen(
        ["sh", "-c", f"trap '' INT; touch {ready}; while :; do sleep 0.1; done"], start_new_session=True
    )
    until_sync("the child to ignore interrupts", ready.exists)
    ci.end(child, seconds=0.3)
    assert child.poll() is not None


def test_every_tilt_command_gets_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tools, "path", lambda name: name)
    command = tilt.command("down", {"engine": "llamacpp"})
    assert command == ["tilt", "down", "--context", "kind-llm", "--", "--engine=llamacpp"]


def test_a_platform_that_does_not_come_up_is_not_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "resolve", lambda _: ({"profile": "cluster"}, probe.NOT_ASKED))
    monkeypatch.setattr(start, "start_cluster", lambda *_: 3)
    monkeypatch.setattr(ci, "tilt_up", lambda _: pytest.fail("it went on"))
    assert ci.main([]) == 3
