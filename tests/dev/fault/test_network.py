"""The network between gateway and runtime is cut on every node, and mended."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dev import FixableError
from dev.fault import network

DOCKER = """#!/bin/sh
echo "$@" >> "$RECORD"
case "$*" in *"$REFUSED"*) echo "refused" >&2; exit 1;; esac
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Callable[[], list[str]]]:
    """Put a `docker` on the PATH that fails for some arguments, and return what it was asked to do."""

    def install(refused: str) -> Callable[[], list[str]]:
        record, program = tmp_path / "record", tmp_path / "docker"
        program.write_text(DOCKER)
        program.chmod(0o755)
        monkeypatch.setenv("RECORD", str(record))
        monkeypatch.setenv("REFUSED", refused)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        return lambda: record.read_text().splitlines()

    return install


def test_a_network_is_cut_in_both_directions_on_every_node_and_mended(docker: Any) -> None:
    asked = docker("nothing")
    with network.cut(["n1", "n2"], ["10.0.0.1"], ["10.0.0.2", "10.0.0.3"]):
        rules = [line for line in asked() if "DROP" in line]
        assert len(rules) == 2 * 4
        assert "exec n2 iptables -w -A LLM-DRILL -s 10.0.0.3 -d 10.0.0.1 -j DROP" in rules
        assert asked()[-1] == "exec n2 iptables -w -I FORWARD -j LLM-DRILL"
    for node in ("n1", "n2"):
        assert [f"exec {node} iptables -w {what} LLM-DRILL" in asked() for what in ("-F", "-X")] == [True] * 2
        assert f"exec {node} iptables -w -D FORWARD -j LLM-DRILL" in asked()


def test_a_cut_that_fails_is_mended_where_it_was_made(docker: Any) -> None:
    asked = docker("n2 iptables -w -N")
    with pytest.raises(FixableError, match="on n2: refused"), network.cut(["n1", "n2"], ["a"], ["b"]):
        pytest.fail("the network is not cut on every node")
    assert "exec n1 iptables -w -X LLM-DRILL" in asked()


def test_a_node_without_a_cut_is_left_alone(docker: Any) -> None:
    asked = docker("-S LLM-DRILL")
    network.mend("n1")
    assert len(asked()) == 1
