"""When Ollama's pods are ready, and how they stop."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.charts.ollama_pod import MODEL, PRESENT, PS, UP, Pod, screens
from tests.waiting import until_sync


@pytest.fixture
def serving(pod: Pod) -> Iterator[Pod]:
    """A pod whose server already runs, as for its probes and at its end."""
    server = subprocess.Popen(["ollama", "serve"], env=pod.environment)
    try:
        until_sync("the server to listen", pod.listens)
        yield pod
    finally:
        server.kill()
        server.wait()


def test_a_model_in_memory_is_ready_and_is_not_loaded_again(serving: Pod) -> None:
    listed = f"{PS}gemma3:270m    e7d36fb2c3b3    439 MB    100% CPU    4096    Forever\n"
    done = serving.run("ready", MODEL, results={"ps": [0, listed, ""]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert serving.calls() == [["ps"]]


def test_a_model_that_is_not_in_memory_is_loaded_first(serving: Pod) -> None:
    done = serving.run("ready", MODEL, results=UP | PRESENT | {"run": [0, "", ""]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert serving.calls() == [["ps"], ["show", "gemma3:270m"], ["run", "gemma3:270m", ""]]


def test_a_proxy_in_the_environment_breaks_no_probe(serving: Pod) -> None:
    listed = f"{PS}gemma3:270m    e7d36fb2c3b3    439 MB    100% CPU    4096    Forever\n"
    done = serving.run("ready", MODEL, results={"ps": [0, listed, ""]}, HTTP_PROXY="http://127.0.0.1:9")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_model_that_a_client_has_loaded_stays_in_memory(serving: Pod) -> None:
    """A probe that loads the default in its place would make the two of them load again and again."""
    listed = f"{PS}qwen3:0.6b    7df6b6e09427    1.0 GB    100% CPU    4096    Forever\n"
    done = serving.run("ready", MODEL, results={"ps": [0, listed, ""]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert serving.calls() == [["ps"]]


def test_a_model_that_does_not_load_is_not_ready_and_the_probe_says_why(serving: Pod) -> None:
    failure = screens(["⠙ "]) + "Error: out of memory\n"
    done = serving.run("ready", MODEL, results=UP | PRESENT | {"run": [1, "", failure]})
    assert done.returncode == 1
    assert done.stdout == "The model gemma3:270m does not load: out of memory\n"


def test_a_probe_does_not_pull_a_missing_model(serving: Pod) -> None:
    """`ollama run` would, from the model's own name instead of its source."""
    done = serving.run(
        "ready", MODEL, results=UP | {"show": [1, "", "Error: model 'gemma3:270m' not found\n"]}
    )
    assert done.returncode == 1
    assert done.stdout == "The model gemma3:270m does not load: model 'gemma3:270m' not found\n"
    assert serving.calls() == [["ps"], ["show", "gemma3:270m"]]


def test_a_pod_without_a_server_is_not_ready(pod: Pod) -> None:
    done = pod.run("ready", MODEL, results={})
    assert done.returncode == 1
    assert done.stdout.startswith("Ollama does not answer: could not connect to ollama server")


def test_a_stopping_pod_waits_until_no_slot_is_busy(serving: Pod, tmp_path: Path) -> None:
    """The fake also stands for llama-server, which the script finds by its command line."""
    proc = tmp_path / "proc"  # without the Ollama of this machine
    proc.mkdir()
    argv = ["lib/llama-server", "-c", "import time; time.sleep(60)", "--port", str(serving.port)]
    runner = subprocess.Popen(argv, executable=sys.executable)
    try:
        (proc / str(runner.pid)).symlink_to(f"/proc/{runner.pid}")
        busy, idle = ({"/slots": [{"is_processing": state}]} for state in (True, False))
        begun = time.monotonic()
        assert serving.run("drain", "0", "6", results=busy, PROC=str(proc)).returncode == 0
        assert time.monotonic() - begun >= 1
        asked = len(serving.calls())
        assert asked >= 2
        assert serving.run("drain", "0", "60", results=idle, PROC=str(proc)).returncode == 0
        assert serving.calls()[asked:] == [["/slots"]]
    finally:
        runner.kill()
        runner.wait()
