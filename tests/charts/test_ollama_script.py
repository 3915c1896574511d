"""What the pods of Ollama do besides serving: have the model first, be ready with it, end when idle."""

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.charts.fake_ollama import SCRIPT, Pod

SHOWN = {"/api/show": [200, [{"details": {}}]]}
CREATED = {"/api/create": [200, [{"status": "success"}]]}
PULLED = {
    "/api/pull": [
        200,
        [
            {"status": "pulling manifest"},
            {"status": "pulling abc", "digest": "sha256:abc", "total": 1000},
            {"status": "pulling abc", "digest": "sha256:abc", "total": 1000, "completed": 120},
            {"status": "pulling abc", "digest": "sha256:abc", "total": 1000, "completed": 180},
            {"status": "pulling abc", "digest": "sha256:abc", "total": 1000, "completed": 1000},
            {"status": "success"},
        ],
    ]
}


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    if shutil.which("bash") is None:
        pytest.skip("bash is not on the PATH")
    return Pod(tmp_path)


@pytest.fixture
def serving(pod: Pod) -> Iterator[Pod]:
    """A pod whose server runs already, as for the probes and at its end."""
    pod.answers.write_text("{}")
    server = subprocess.Popen(["ollama", "serve"], env=pod.environment)
    while subprocess.run(
        ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{pod.port}"], capture_output=True
    ).returncode:
        time.sleep(0.02)
    yield pod
    server.kill()
    server.wait()


def test_a_model_that_is_missing_is_pulled_and_gets_its_name_and_threads(pod: Pod) -> None:
    done = pod.run("pull", answers=PULLED | CREATED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert pod.asked() == [
        ("/api/show", {"model": "mirror:5000/library/gemma3:270m"}),
        ("/api/pull", {"model": "mirror:5000/library/gemma3:270m", "insecure": True}),
        (
            "/api/create",
            {
                "model": "gemma3:270m",
                "from": "mirror:5000/library/gemma3:270m",
                "parameters": {"num_thread": 2},
                "stream": False,
            },
        ),
    ]


def test_the_log_shows_the_progress_of_a_pull_in_few_lines(pod: Pod) -> None:
    assert pod.run("pull", answers=PULLED | CREATED).stdout.splitlines() == [
        "pulling manifest",
        "pulling abc 0 % of 1000 bytes",
        "pulling abc 10 % of 1000 bytes",
        "pulling abc 100 % of 1000 bytes",
        "success",
        "gemma3:270m is on the volume, num_thread 2",
    ]


def test_a_model_on_the_volume_is_not_pulled_again_but_follows_the_limit(pod: Pod) -> None:
    done = pod.run("pull", answers=SHOWN | CREATED, MODEL_THREADS="7")
    assert done.returncode == 0
    assert [path for path, _ in pod.asked()] == ["/api/show", "/api/create"]
    assert pod.asked()[-1][1]["parameters"] == {"num_thread": 7}


@pytest.mark.parametrize(
    ("answers", "last_words"),
    [
        (
            {
                "/api/pull": [
                    200,
                    [{"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}],
                ]
            },
            "The model gemma3:270m cannot be had from mirror:5000/library/gemma3:270m: "
            "pull model manifest: file does not exist",
        ),
        (
            {"/api/pull": [400, [{"error": "invalid model name"}]]},
            "The model gemma3:270m cannot be had from mirror:5000/library/gemma3:270m: invalid model name",
        ),
        (
            {"/api/pull": [200, [{"status": "pulling manifest"}]]},
            "The pull of mirror:5000/library/gemma3:270m ended early, at: pulling manifest",
        ),
        (
            PULLED | {"/api/create": [500, [{"error": "disk full"}]]},
            "The model gemma3:270m cannot be made from mirror:5000/library/gemma3:270m: "
            '{"error":"disk full"}',
        ),
    ],
)
def test_a_model_that_cannot_be_had_fails_and_the_last_line_says_why(
    pod: Pod, answers: dict[str, Any], last_words: str
) -> None:
    done = pod.run("pull", answers=answers)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == last_words


def test_a_server_that_does_not_start_fails_the_pull_with_its_log(pod: Pod) -> None:
    done = pod.run("pull", answers={}, FAKE_BROKEN="1")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "Error: no space left on device"


def test_a_pod_that_is_deleted_ends_its_pull_at_once_and_lets_the_server_end_too(pod: Pod) -> None:
    pod.answers.write_text(json.dumps({"/": [200, []], "/api/pull": [0, []]}))
    script = subprocess.Popen(["bash", str(SCRIPT), "pull"], env=pod.environment)
    while not any(path == "/api/pull" for path, _ in pod.asked()):
        time.sleep(0.02)
    script.terminate()
    assert script.wait(timeout=30) == 143
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", pod.port))


def test_a_model_in_memory_is_ready_and_costs_no_token(serving: Pod) -> None:
    done = serving.run("ready", answers={"/api/ps": [200, [{"models": [{"name": "gemma3:270m"}]}]]})
    assert done.returncode == 0, done.stdout
    assert serving.asked() == [("/api/ps", None)]


def test_a_model_that_is_not_in_memory_says_one_token_first(serving: Pod) -> None:
    answers = {"/api/ps": [200, [{"models": []}]], "/api/generate": [200, [{"done": True}]]}
    assert serving.run("ready", answers=answers).returncode == 0
    body = {"model": "gemma3:270m", "prompt": "hi", "stream": False, "options": {"num_predict": 1}}
    assert serving.asked() == [("/api/ps", None), ("/api/generate", body)]


def test_a_name_without_a_tag_means_the_latest(serving: Pod) -> None:
    answers = {"/api/ps": [200, [{"models": [{"name": "mirror:5000/a/gemma3:latest"}]}]]}
    assert serving.run("ready", answers=answers, MODEL="mirror:5000/a/gemma3").returncode == 0
    assert serving.asked() == [("/api/ps", None)]


def test_a_model_that_does_not_answer_is_not_ready_and_the_probe_says_why(serving: Pod) -> None:
    answers = {"/api/ps": [200, [{"models": []}]], "/api/generate": [500, [{"error": "out of memory"}]]}
    done = serving.run("ready", answers=answers)
    assert done.returncode == 1
    assert done.stdout == 'The model gemma3:270m does not answer: {"error":"out of memory"}\n'


def test_a_server_that_is_away_is_not_ready(pod: Pod) -> None:
    done = pod.run("ready", answers={})
    assert done.returncode == 1
    assert "Ollama does not answer" in done.stdout


def test_a_stopping_pod_waits_until_no_slot_works(serving: Pod) -> None:
    """The fake stands for llama-server too: the script finds that one by its command line."""
    argv = ["lib/llama-server", "-c", "import time; time.sleep(60)", "--port", str(serving.port)]
    runner = subprocess.Popen(argv, executable=sys.executable)
    try:
        busy, idle = ({"/slots": [200, [[{"is_processing": state}]]]} for state in (True, False))
        begun = time.monotonic()
        assert serving.run("drain", "0", "6", answers=busy).returncode == 0
        assert time.monotonic() - begun >= 1
        questions = len(serving.asked())
        assert questions >= 2
        assert serving.run("drain", "0", "60", answers=idle).returncode == 0
        assert serving.asked()[questions:] == [("/slots", None)]
    finally:
        runner.kill()
        runner.wait()
