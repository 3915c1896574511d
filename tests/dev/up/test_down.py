"""What `make down` removes, and with which settings."""

import os
import subprocess
from typing import Any

import pytest

from dev import FixableError
from dev.doctor import probe, tools
from dev.gitops import argo
from dev.up import cluster, down


def test_the_platform_is_removed_with_the_settings_that_started_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> "subprocess.CompletedProcess[str]":
        asked.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(tools, "path", lambda name: name)
    monkeypatch.setattr(subprocess, "run", run)
    down.remove_platform({"AUTOSCALER": "queue", "HOME": "/root"})
    assert asked == [
        ["tilt", "down", "--context", "kind-llm", "--delete-namespaces", "--", "--autoscaler=queue"]
    ]


def test_a_failed_tilt_down_names_the_command_that_removes_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tools, "path", lambda _: "false")
    with pytest.raises(FixableError, match="make down removes the whole cluster"):
        down.remove_platform(dict(os.environ))


@pytest.fixture
def removals(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with a cluster; the list is of what was removed."""
    removed: list[str] = []
    monkeypatch.setattr(probe, "container_engine", lambda: probe.ContainerEngine(True, "Docker 28"))
    monkeypatch.setattr(down, "existing", lambda: ["cluster kind-llm"])
    monkeypatch.setattr(argo, "is_installed", lambda: False)
    monkeypatch.setattr(cluster, "removal", lambda: [["cluster"]])
    monkeypatch.setattr(cluster, "run", lambda command: removed.extend(command))
    monkeypatch.setattr(down, "remove_platform", lambda _: removed.append("platform"))
    monkeypatch.delenv("KEEP", raising=False)
    return removed


def test_down_removes_the_cluster_and_keep_only_the_platform(
    removals: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert down.main([]) == 0
    monkeypatch.setenv("KEEP", "cluster")
    assert down.main([]) == 0
    assert removals == ["cluster", "platform"]


def test_a_mistyped_keep_removes_nothing(removals: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEP", "clutser")
    with pytest.raises(SystemExit):
        down.main([])
    assert removals == []


def test_without_a_container_engine_there_is_nothing_to_remove(
    removals: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    absent = probe.ContainerEngine(False, "no Docker is on the PATH")
    monkeypatch.setattr(probe, "container_engine", lambda: absent)
    assert down.main([]) == 0
    assert "nothing to remove: no Docker is on the PATH" in capsys.readouterr().out
    assert removals == []


def test_nothing_is_said_to_be_removed_where_no_program_can_remove_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> str:
        raise FixableError(f"{name} is missing")

    monkeypatch.setattr(probe, "container_engine", lambda: probe.ContainerEngine(True, "Docker 28"))
    monkeypatch.setattr(down, "existing", lambda: ["cluster kind-llm"])
    monkeypatch.setattr(tools, "find", lambda _: None)
    monkeypatch.setattr(tools, "path", missing)
    with pytest.raises(FixableError, match="kind is missing"):
        down.main([])
    assert "removing" not in capsys.readouterr().out
