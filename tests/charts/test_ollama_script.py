"""What Ollama's pods do besides serving: pull the model, report readiness, drain."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.charts.ollama_pod import (
    CREATED,
    MISSING,
    PRESENT,
    PS,
    PULLED,
    SCRIPT,
    SECONDS,
    SOURCE,
    UP,
    Pod,
    pull_fails,
    screens,
)
from tests.waiting import until_sync


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    if shutil.which("bash") is None:
        pytest.skip("bash is not on the PATH")
    return Pod(tmp_path)


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


def test_a_missing_model_is_pulled_and_gets_its_name_and_threads(pod: Pod) -> None:
    done = pod.run("pull", "--insecure", results=UP | MISSING | PULLED | CREATED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert pod.calls() == [
        ["ps"],
        ["show", SOURCE],
        ["pull", "--insecure", SOURCE],
        ["create", "gemma3:270m", "-f", f"FROM {SOURCE}\nPARAMETER num_thread 2\n"],
    ]


def test_a_source_must_be_secure_unless_said_otherwise(pod: Pod) -> None:
    assert pod.run("pull", results=UP | MISSING | PULLED | CREATED).returncode == 0
    assert ["pull", SOURCE] in pod.calls()


def test_the_log_shows_the_progress_of_a_pull_in_few_lines(pod: Pod) -> None:
    assert pod.run("pull", results=UP | MISSING | PULLED | CREATED).stdout.splitlines() == [
        "pulling manifest",
        "pulling 735af2139dc6: 10 %",
        "pulling 735af2139dc6: 100 %",
        "success",
        "gemma3:270m is on the volume, num_thread 2",
    ]


def test_a_model_on_the_volume_is_not_pulled_again_but_gets_the_threads_of_today(pod: Pod) -> None:
    done = pod.run("pull", results=UP | PRESENT | CREATED, MODEL_THREADS="7")
    assert done.returncode == 0, done.stdout + done.stderr
    assert pod.calls()[1:] == [
        ["show", SOURCE],
        ["create", "gemma3:270m", "-f", f"FROM {SOURCE}\nPARAMETER num_thread 7\n"],
    ]


@pytest.mark.parametrize(
    ("results", "last_line"),
    [
        (
            pull_fails("pull model manifest: file does not exist"),
            f"Cannot pull the model gemma3:270m from {SOURCE}: pull model manifest: file does not exist",
        ),
        (
            {"pull": [1, "", "Error: 400 Bad Request: invalid model name\n"]},
            f"Cannot pull the model gemma3:270m from {SOURCE}: 400 Bad Request: invalid model name",
        ),
        (
            {"pull": [0, "", screens(["pulling manifest ⠋ "])]},
            f"Cannot pull the model gemma3:270m from {SOURCE}: it ended early, at: pulling manifest",
        ),
        (
            PULLED | {"create": [1, "", screens(["gathering model components "]) + "Error: disk full\n"]},
            f"Cannot create the model gemma3:270m from {SOURCE}: disk full",
        ),
    ],
)
def test_a_model_that_is_not_available_fails_the_pod_and_the_last_line_says_why(
    pod: Pod, results: dict[str, Any], last_line: str
) -> None:
    done = pod.run("pull", results=UP | MISSING | results)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == last_line


def test_a_server_that_does_not_start_fails_the_pull_with_its_log(pod: Pod) -> None:
    done = pod.run("pull", results={}, FAKE_BROKEN="1")
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["Ollama does not start:", "Error: no space left on device"]


def test_a_pod_that_is_deleted_stops_its_pull_at_once_and_its_server_too(pod: Pod) -> None:
    pod.results.write_text(json.dumps(UP | MISSING | {"pull": None}))
    script = subprocess.Popen(["bash", str(SCRIPT), "pull"], env=pod.environment)
    try:
        until_sync("the pull to start", pod.calls, lambda calls: ["pull", SOURCE] in calls)
        script.terminate()
        assert script.wait(timeout=SECONDS) == 143
    finally:
        script.kill()
        script.wait()
    assert not pod.listens()


def test_a_model_in_memory_is_ready_and_is_not_loaded_again(serving: Pod) -> None:
    listed = f"{PS}gemma3:270m    e7d36fb2c3b3    439 MB    100% CPU    4096    Forever\n"
    done = serving.run("ready", results={"ps": [0, listed, ""]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert serving.calls() == [["ps"]]


def test_a_model_that_is_not_in_memory_is_loaded_first(serving: Pod) -> None:
    done = serving.run("ready", results=UP | PRESENT | {"run": [0, "", ""]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert serving.calls() == [["ps"], ["show", "gemma3:270m"], ["run", "gemma3:270m", ""]]


def test_another_model_in_memory_does_not_count(serving: Pod) -> None:
    listed = f"{PS}gemma3:270m-it    e7d36fb2c3b3    439 MB    100% CPU    4096    Forever\n"
    done = serving.run("ready", results=PRESENT | {"ps": [0, listed, ""], "run": [0, "", ""]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert ["run", "gemma3:270m", ""] in serving.calls()


def test_a_name_without_a_tag_means_the_latest(serving: Pod) -> None:
    listed = f"{PS}mirror:5000/a/gemma3:latest    e7d36fb2c3b3    439 MB    100% CPU    4096    Forever\n"
    done = serving.run("ready", results={"ps": [0, listed, ""]}, MODEL="mirror:5000/a/gemma3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert serving.calls() == [["ps"]]


def test_a_model_that_does_not_load_is_not_ready_and_the_probe_says_why(serving: Pod) -> None:
    failure = screens(["⠙ "]) + "Error: out of memory\n"
    done = serving.run("ready", results=UP | PRESENT | {"run": [1, "", failure]})
    assert done.returncode == 1
    assert done.stdout == "The model gemma3:270m does not load: out of memory\n"


def test_a_probe_does_not_pull_a_missing_model(serving: Pod) -> None:
    """`ollama run` would, from the model's own name instead of its source."""
    done = serving.run("ready", results=UP | {"show": [1, "", "Error: model 'gemma3:270m' not found\n"]})
    assert done.returncode == 1
    assert done.stdout == "The model gemma3:270m does not load: model 'gemma3:270m' not found\n"
    assert serving.calls() == [["ps"], ["show", "gemma3:270m"]]


def test_a_pod_without_a_server_is_not_ready(pod: Pod) -> None:
    done = pod.run("ready", results={})
    assert done.returncode == 1
    assert done.stdout.startswith("Ollama does not answer: could not connect to ollama server")


def test_a_stopping_pod_waits_until_no_slot_is_busy(serving: Pod) -> None:
    """The fake also stands for llama-server, which the script finds by its command line."""
    argv = ["lib/llama-server", "-c", "import time; time.sleep(60)", "--port", str(serving.port)]
    runner = subprocess.Popen(argv, executable=sys.executable)
    try:
        busy, idle = ({"/slots": [{"is_processing": state}]} for state in (True, False))
        begun = time.monotonic()
        assert serving.run("drain", "0", "6", results=busy).returncode == 0
        assert time.monotonic() - begun >= 1
        asked = len(serving.calls())
        assert asked >= 2
        assert serving.run("drain", "0", "60", results=idle).returncode == 0
        assert serving.calls()[asked:] == [["/slots"]]
    finally:
        runner.kill()
        runner.wait()
