"""The facts about a machine, asked of this one and of programs that a test puts on the PATH."""

import os
import platform
import socket
from pathlib import Path

import pytest

from dev.doctor import checks, probe
from dev.doctor import report as doctor


def docker(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    file = folder / "docker"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin:/usr/bin")


def test_without_docker_on_the_path_there_is_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert probe.container_engine() == probe.ContainerEngine(False, "no Docker is on the PATH")


def test_a_docker_whose_engine_is_down_passes_the_reason_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(tmp_path, monkeypatch, "echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    engine = probe.container_engine()
    assert not engine.ready
    assert "Cannot connect to the Docker daemon" in engine.description


def test_an_engine_is_known_by_version_and_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = '{"MemTotal": 8589934592, "NCPU": 4, "DockerRootDir": "/var/lib/docker"}'
    docker(tmp_path, monkeypatch, f"case $1 in version) echo 28.2.2;; info) echo '{info}';; esac")
    assert probe.container_engine() == probe.ContainerEngine(
        True, "Docker 28.2.2", 8 * 1024**3, 4, "/var/lib/docker"
    )


@pytest.mark.parametrize(
    ("networks", "gateway"),
    [
        ('[{"Subnet":"fc00::/64","Gateway":""},{"Subnet":"10.1.0.0/16","Gateway":"10.1.0.9"}]', "10.1.0.9"),
        ('[{"Subnet":"172.17.0.0/16"}]', "172.17.0.1"),
        ('[{"Subnet":"fc00:f853::/64"}]', ""),
        ("null", ""),
    ],
)  # fmt: skip
def test_the_gateway_of_a_docker_network_is_its_ipv4_one(
    networks: str, gateway: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(tmp_path, monkeypatch, f"echo '{networks}'")
    assert probe.network_gateway("kind") == gateway


def test_a_docker_network_that_is_not_there_has_no_gateway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(tmp_path, monkeypatch, "echo '[]'; echo 'network kind not found' >&2; exit 1")
    assert probe.network_gateway("kind") == ""


def test_docker_desktop_runs_containers_in_a_virtual_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = '{"OperatingSystem": "Docker Desktop"}'
    docker(tmp_path, monkeypatch, f"case $1 in version) echo 28.2.2;; info) echo '{info}';; esac")
    assert probe.container_engine().in_vm


def test_an_engine_that_reports_no_processors_is_not_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker(tmp_path, monkeypatch, "case $1 in version) echo 5.4.2;; info) echo '{}';; esac")
    check = checks.processors(probe.container_engine().processors)
    assert check.state == "ok"
    assert "unknown" in check.message


def test_a_port_that_is_listened_on_is_taken_and_its_holder_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not probe.port_is_free(port)
        if platform.system() == "Linux":
            assert f"process {os.getpid()}" in probe.port_holder(port)
    assert probe.port_is_free(port)
    assert probe.port_holder(port) == ""


def test_the_registrys_own_port_is_not_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "port_is_free", lambda _: False)
    monkeypatch.setattr(probe, "container_on", lambda _: "llm-registry")
    assert doctor.registry_port().state == "ok"
    monkeypatch.setattr(probe, "container_on", lambda _: "other")
    assert doctor.registry_port().state == "FAIL"


def test_a_containers_memory_limit_counts(tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("400\n")
    assert probe.container_memory(tmp_path) == 600
    (tmp_path / "memory.max").write_text("max\n")
    assert probe.container_memory(tmp_path) == float("inf")
    assert probe.container_memory(tmp_path / "no cgroup") == float("inf")


def test_this_machines_memory_and_disk_are_known(tmp_path: Path) -> None:
    assert (probe.available_memory() or 0) > 0
    # Other programs write to the disk in the meantime.
    there, not_yet = probe.free_disk(tmp_path), probe.free_disk(tmp_path / "not" / "there" / "yet")
    assert not_yet == pytest.approx(there, rel=0.2)


def test_a_kubeconfig_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert probe.kube_config(str(tmp_path / "no-kubectl")) is None


@pytest.mark.parametrize(
    ("script", "published"),
    [
        ("echo '30443/tcp 127.0.0.1:8443'; echo '6443/tcp 127.0.0.1:40000'", "127.0.0.1:8443"),
        ("echo '6443/tcp 127.0.0.1:40000'", ""),
        ("echo 'no such container' >&2; exit 1", None),
    ],
)
def test_a_containers_published_port_is_read_or_is_missing_or_cannot_be_known(
    script: str, published: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert probe.published_port("llm-control-plane", 30443) == published
