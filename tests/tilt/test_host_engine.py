"""ENGINE=host: the Tiltfile with an Ollama that already runs on this machine."""

import os
from pathlib import Path

import pytest

from tests.dev.host_ollama import MODEL, host_ollama
from tests.tilt.evaluated import CLUSTER, PLACES, Evaluator


@pytest.fixture
def docker_on_loopback(tmp_path: Path) -> str:
    """A PATH with a docker whose networks have this machine at 127.0.0.2."""
    networks = '[{"Subnet": "127.0.0.0/8", "Gateway": "127.0.0.2"}]'
    script = f"case $1 in network) echo '{networks}';; version) echo 28.2.2;; esac"
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "docker").chmod(0o755)
    return f"{tmp_path}{os.pathsep}{PLACES}"


def test_with_an_ollama_of_the_host_the_cluster_has_no_runtime(
    evaluate: Evaluator, docker_on_loopback: str
) -> None:
    with host_ollama("0.0.0.0") as port:
        flags = ("--engine=host", f"--ollama_host=127.0.0.1:{port}", "--monitoring=false")
        made = evaluate(*flags, PATH=docker_on_loopback)
    assert made.status == 0, made.log
    assert made.resources.keys() == (CLUSTER | {"metrics-server"}) - {"llm-runtime", "autoscale", "rollout"}
    assert f"http://127.0.0.2:{port}" in made.text("llm-api")
    assert MODEL in made.text("llm-api")
    assert "11434" not in made.text("llm-api")


def test_with_an_ollama_of_the_host_the_local_profile_is_the_gateway_alone(evaluate: Evaluator) -> None:
    with host_ollama() as port:
        made = evaluate("--profile=local", "--engine=host", f"--ollama_host=127.0.0.1:{port}", context="")
    assert made.status == 0, made.log
    assert "llm-api" in made.resources
    assert "llm-runtime" not in made.resources
    assert f"http://127.0.0.1:{port}" in made.text("llm-api")


def test_an_ollama_that_pods_cannot_reach_is_refused_with_the_fix(
    evaluate: Evaluator, docker_on_loopback: str
) -> None:
    with host_ollama() as port:
        made = evaluate("--engine=host", f"--ollama_host=127.0.0.1:{port}", PATH=docker_on_loopback)
    assert made.status == 5
    assert "listens on loopback alone" in made.log
    assert "OLLAMA_HOST=0.0.0.0" in made.log
