"""What `make down` removes, and with which settings."""

import os
import subprocess
from typing import Any

import pytest

from dev import FixableError
from dev.doctor import tools
from dev.up import down


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
