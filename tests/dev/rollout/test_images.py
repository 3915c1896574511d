"""A rollout runs production images, changes each of them once, and leaves the platform as it was."""

import copy
from typing import Any

import pytest

from dev import FixableError
from dev.fault.kube import GATEWAY, RUNTIME, Ref
from dev.gitops import artifacts
from dev.rollout import images
from dev.rollout.room import room
from dev.rollout.steps import steps
from tests.dev.fault.fake_cluster import FakeCluster

IMAGES = {name: (f"{name}@1", f"{name}@2") for name in ("llm-api", "llm-runtime")}


def container(cluster: FakeCluster, ref: Ref) -> tuple[str, dict[str, str]]:
    """Return the image and the variables of a workload."""
    found = cluster.store[ref]["spec"]["template"]["spec"]["containers"][0]
    return found["image"], {entry["name"]: entry.get("value") for entry in found["env"]}


def test_a_rollout_has_room_for_its_streams_and_leaves_the_platform_as_it_was() -> None:
    cluster: Any = FakeCluster()
    before = copy.deepcopy(cluster.store)
    with room(cluster, "simulated", 500, IMAGES):
        (gateway, limits), (runtime, behavior) = container(cluster, GATEWAY), container(cluster, RUNTIME)
        assert (gateway, runtime) == ("llm-api@1", "llm-runtime@1")
        assert limits["LLM_MAX_RUNNING"] == behavior["RUNTIME_SIMULATED_SLOTS"] == "500"
        grace = int(limits["LLM_SHUTDOWN_GRACE_SECONDS"])
        assert grace == int(behavior["UVICORN_TIMEOUT_GRACEFUL_SHUTDOWN"]) > 60
        for ref in (GATEWAY, RUNTIME):
            assert cluster.store[ref]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > grace
    assert cluster.store == before


def test_a_rollout_leaves_an_ollama_as_it_is() -> None:
    cluster: Any = FakeCluster(engine="ollama")
    before = cluster.read(RUNTIME)
    with room(cluster, "ollama", 100, {"llm-api": IMAGES["llm-api"]}):
        assert cluster.store[RUNTIME] == before
        assert container(cluster, GATEWAY)[0] == "llm-api@1"


class Recorder:
    """A cluster that notes what it was asked for."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, ...]] = []

    def restart(self, workload: str, _seconds: float) -> str:
        self.seen.append(("restart", workload))
        return ""

    def set_image(self, workload: str, image: str, _seconds: float) -> str:
        self.seen.append(("image", workload, image))
        return ""


def test_the_images_change_after_the_restarts() -> None:
    cluster: Any = Recorder()
    done = [step.run() for step in steps(cluster, ["llm-api", "llm-runtime"], 2, 60, IMAGES)]
    assert cluster.seen == [
        *[("restart", "llm-api"), ("restart", "llm-runtime")] * 2,
        ("image", "llm-api", "llm-api@2"),
        ("image", "llm-runtime", "llm-runtime@2"),
    ]
    assert [one.new_image for one in done] == [False] * 4 + [True] * 2


def test_a_workload_that_is_not_chosen_keeps_its_image() -> None:
    cluster: Any = Recorder()
    for step in steps(cluster, ["llm-runtime"], 1, 60, IMAGES):
        step.run()
    assert cluster.seen == [("restart", "llm-runtime"), ("image", "llm-runtime", "llm-runtime@2")]


def docker(monkeypatch: pytest.MonkeyPatch, digest: Any) -> list[tuple[str, ...]]:
    """Have each push print a digest that depends on the reference; return the commands that run."""
    commands: list[tuple[str, ...]] = []

    def run(*command: str) -> str:
        commands.append(command)
        return f"digest: sha256:{digest(command[-1]):064x}"

    monkeypatch.setattr(artifacts, "run", run)
    return commands


def test_both_images_are_built_for_production_in_two_versions(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = docker(monkeypatch, lambda reference: len(reference))
    pushed = images.push("simulated")
    assert list(pushed) == ["llm-api", "llm-runtime"]
    assert all(before != after and "@sha256:" in before for before, after in pushed.values())
    builds = [command for command in commands if command[1] == "build"]
    assert len(builds) == 4
    assert all(command[command.index("--target") + 1] == "prod" for command in builds)


def test_an_ollama_is_not_built(monkeypatch: pytest.MonkeyPatch) -> None:
    docker(monkeypatch, lambda reference: len(reference))
    assert list(images.push("ollama")) == ["llm-api"]


def test_a_change_of_an_image_that_changes_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    docker(monkeypatch, lambda _reference: 1)
    with pytest.raises(FixableError, match=r"both versions of llm-api are localhost.*changes nothing"):
        images.push("simulated")
