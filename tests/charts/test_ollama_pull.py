"""How Ollama's pods pull their models."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.charts.ollama_pod import (
    CREATED,
    MISSING,
    MODEL,
    PRESENT,
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

WANTED = f"{MODEL} {SOURCE}"
FULL = " (the volume is full; the chart's persistence.size sets the size of new ones)"
UID = os.getuid()
FOREIGN = (
    f" (this container's user, {UID}, must own everything on the volume:"
    f" chown -R {UID} there, or delete its claim)"
)


def test_a_missing_model_is_pulled_and_gets_its_name_and_threads(pod: Pod) -> None:
    done = pod.run("pull", f"{MODEL} {SOURCE} --insecure", results=UP | MISSING | PULLED | CREATED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert pod.calls() == [
        ["ps"],
        ["show", SOURCE],
        ["pull", "--insecure", SOURCE],
        ["create", "gemma3:270m", "-f", f"FROM {SOURCE}\nPARAMETER num_thread 2\n"],
    ]


def test_a_source_must_be_secure_unless_said_otherwise(pod: Pod) -> None:
    assert pod.run("pull", WANTED, results=UP | MISSING | PULLED | CREATED).returncode == 0
    assert ["pull", SOURCE] in pod.calls()


def test_several_models_are_pulled_one_after_the_other_each_from_its_own_source(pod: Pod) -> None:
    models = (f"{MODEL} {SOURCE} --insecure", "qwen3:0.6b qwen3:0.6b")
    done = pod.run("pull", *models, results=UP | MISSING | PULLED | CREATED)
    assert done.returncode == 0, done.stdout + done.stderr
    assert pod.calls()[1:] == [
        ["show", SOURCE],
        ["pull", "--insecure", SOURCE],
        ["create", MODEL, "-f", f"FROM {SOURCE}\nPARAMETER num_thread 2\n"],
        ["show", "qwen3:0.6b"],
        ["pull", "qwen3:0.6b"],
        ["create", "qwen3:0.6b", "-f", "FROM qwen3:0.6b\nPARAMETER num_thread 2\n"],
    ]


def test_the_first_model_that_fails_ends_the_pull_and_is_named(pod: Pod) -> None:
    failure = pull_fails("pull model manifest: file does not exist")
    done = pod.run("pull", "mistyped:1 mistyped:1", WANTED, results=UP | MISSING | failure)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("Cannot pull the model mistyped:1 from mistyped:1: ")
    assert ["show", SOURCE] not in pod.calls()


def test_the_log_shows_the_progress_of_a_pull_in_few_lines(pod: Pod) -> None:
    assert pod.run("pull", WANTED, results=UP | MISSING | PULLED | CREATED).stdout.splitlines() == [
        "pulling manifest",
        "pulling 735af2139dc6: 10 %",
        "pulling 735af2139dc6: 100 %",
        "success",
        "gemma3:270m is on the volume, num_thread 2",
    ]


def test_a_model_on_the_volume_is_not_pulled_again_but_gets_the_threads_of_today(pod: Pod) -> None:
    done = pod.run("pull", WANTED, results=UP | PRESENT | CREATED, MODEL_THREADS="7")
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
            PULLED | {"create": [1, "", screens(["gathering model components "]) + "Error: unsupported\n"]},
            f"Cannot create the model gemma3:270m from {SOURCE}: unsupported",
        ),
    ],
)
def test_a_model_that_is_not_available_fails_the_pod_and_the_last_line_says_why(
    pod: Pod, results: dict[str, Any], last_line: str
) -> None:
    done = pod.run("pull", WANTED, results=UP | MISSING | results)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == last_line


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("write /models/blobs/b1: no space left on device", FULL),
        ("open /models/blobs/b1-partial-0: permission denied", FOREIGN),
        ("chtimes /models/blobs/b1: operation not permitted", FOREIGN),
        ("pull model manifest: permission denied", ""),
    ],
)
def test_where_the_volume_is_the_reason_the_last_line_says_what_is_wrong_with_it(
    pod: Pod, reason: str, advice: str
) -> None:
    done = pod.run("pull", WANTED, results=UP | MISSING | pull_fails(reason))
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].endswith(f" from {SOURCE}: {reason}{advice}")


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("listen tcp: address in use", ""),
        ("could not create directory mkdir /models/.ollama: permission denied", FOREIGN),
        ("write /models/id_ed25519: no space left on device", FULL),
    ],
)
def test_a_server_that_does_not_start_fails_the_pull_with_its_log_and_advice(
    pod: Pod, reason: str, advice: str
) -> None:
    done = pod.run("pull", WANTED, results={}, FAKE_BROKEN=reason)
    assert done.returncode == 1
    assert done.stdout.splitlines() == ["Ollama does not start:", f"Error: {reason}{advice}"]


def test_a_pod_that_is_deleted_stops_its_pull_at_once_and_its_server_too(pod: Pod) -> None:
    pod.results.write_text(json.dumps(UP | MISSING | {"pull": None}))
    script = subprocess.Popen(["bash", str(SCRIPT), "pull", WANTED], env=pod.environment)
    try:
        until_sync("the pull to start", pod.calls, lambda calls: ["pull", SOURCE] in calls)
        script.terminate()
        assert script.wait(timeout=SECONDS) == 143
    finally:
        script.kill()
        script.wait()
    assert not pod.listens()
