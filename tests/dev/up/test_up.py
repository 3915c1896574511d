"""Where `make up` starts: the cluster with an engine, the local profile without one, and why."""

from pathlib import Path

import pytest

from dev import FixableError, tools
from dev.doctor import checks
from dev.doctor import report as doctor
from dev.doctor.probe import Engine
from dev.up import cluster, local
from dev.up import start as up

READY = Engine(True, "Docker 28.2.2", 8 * 1024**3, 4)
ABSENT = Engine(False, "no Docker is on the PATH")


@pytest.mark.parametrize("wanted", ["", "ollama", "embedded", "simulated"])
def test_an_engine_that_answers_means_the_cluster(wanted: str) -> None:
    assert up.decide(wanted, READY)[0] == "cluster"


@pytest.mark.parametrize("wanted", ["", "embedded", "simulated"])
def test_without_an_engine_the_local_profile_starts_and_one_line_says_so(wanted: str) -> None:
    where, why = up.decide(wanted, ABSENT)
    assert where == "local"
    assert "no Docker is on the PATH" in why
    assert "\n" not in why


def test_the_local_profile_can_be_asked_for_beside_an_engine() -> None:
    assert up.decide("local", READY)[0] == "local"


def test_ollama_without_an_engine_is_refused_with_two_ways_out() -> None:
    with pytest.raises(FixableError, match=r"(?s)start Docker.*make up RUNTIME=embedded"):
        up.decide("ollama", ABSENT)


def test_settings_given_to_make_reach_tilt() -> None:
    given = {"RUNTIME": "embedded", "MONITORING": "false", "HOME": "/root", "MODEL": ""}
    assert up.tilt_arguments(given) == ["--runtime=embedded", "--monitoring=false"]


def test_a_failed_check_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    failing = [checks.port(8000, "the API", "process 1: nc")]
    monkeypatch.setattr(doctor, "cluster", lambda _: failing)
    monkeypatch.setattr(doctor, "local", lambda _: failing)
    monkeypatch.setattr(cluster, "apply", lambda _: pytest.fail("the cluster was made"))
    monkeypatch.setattr(local, "supervise", lambda _: pytest.fail("the processes were started"))
    with pytest.raises(FixableError, match="nothing was started"):
        up.start_cluster(READY, {})
    with pytest.raises(FixableError, match="nothing was started"):
        local.start({})


def test_the_local_profile_serves_real_weights_on_the_designs_ports() -> None:
    settings = local.settings({})
    assert settings["RUNTIME_ENGINE"] == "llamacpp"
    assert settings["LLM_MODEL"] == settings["RUNTIME_MODEL"] == "smollm2:135m"
    assert settings["LLM_RUNTIME_URL"] == "http://127.0.0.1:11434"
    assert (settings["API_PORT"], settings["RUNTIME_PORT"]) == ("8000", "11434")


def test_what_the_user_sets_wins_in_the_local_profile() -> None:
    settings = local.settings({"RUNTIME": "simulated", "RUNTIME_PORT": "11500", "LLM_MAX_RUNNING": "7"})
    assert settings["RUNTIME_ENGINE"] == "simulated"
    assert settings["LLM_RUNTIME_URL"] == "http://127.0.0.1:11500"
    assert settings["LLM_MAX_RUNNING"] == "7"
    assert local.settings({"RUNTIME_ENGINE": "simulated"})["RUNTIME_ENGINE"] == "simulated"


def test_a_runtime_that_the_local_profile_lacks_is_refused() -> None:
    with pytest.raises(FixableError, match="RUNTIME=vllm"):
        local.settings({"RUNTIME": "vllm"})


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_a_port_that_is_none_is_refused_by_name(port: str) -> None:
    with pytest.raises(FixableError, match=f"API_PORT={port} is no port"):
        local.settings({"API_PORT": port})


CTLPTL = """apiVersion: ctlptl.dev/v1alpha1
kind: Registry
name: llm-registry
image: registry:3
port: 5005
---
apiVersion: ctlptl.dev/v1alpha1
kind: Cluster
kindV1Alpha4Cluster:
  nodes:
    - role: control-plane
      image: kindest/node:v1.37.0@sha256:abc
"""


def test_images_of_a_mirror_take_the_place_of_the_public_ones() -> None:
    text = cluster.with_images(CTLPTL, "mirror/node:1", "mirror/registry:3")
    assert "\nimage: mirror/registry:3\n" in text
    assert "\n      image: mirror/node:1\n" in text
    assert cluster.with_images(CTLPTL, "", "") == CTLPTL


def test_a_file_without_an_image_to_replace_is_said() -> None:
    with pytest.raises(FixableError, match="no `image:` line"):
        cluster.with_images("kind: Registry\nname: r\n", "", "mirror/registry:3")


def test_the_repositorys_own_file_can_take_other_images(tmp_path: Path) -> None:
    original = tools.ROOT / "ctlptl.yaml"
    (tmp_path / "ctlptl.yaml").write_text(original.read_text())
    assert cluster.file({}, tmp_path) == tmp_path / "ctlptl.yaml"
    copy = cluster.file({"NODE_IMAGE": "mirror/node:1", "REGISTRY_IMAGE": "mirror/registry:3"}, tmp_path)
    text = copy.read_text()
    assert "image: mirror/node:1" in text
    assert "image: mirror/registry:3" in text
