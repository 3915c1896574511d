"""The file that the cluster is created from, and the command that creates it."""

from pathlib import Path

import pytest
import yaml

from dev import FixableError, configuration
from dev.doctor import tools
from dev.settings import CLUSTER, CONTEXT, REGISTRY, REGISTRY_PORT, ROOT
from dev.up import cluster

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


def test_a_file_without_an_image_to_replace_is_an_error() -> None:
    with pytest.raises(FixableError, match="no `image:` line"):
        cluster.with_images("kind: Registry\nname: r\n", "", "mirror/registry:3")


def test_the_repositorys_own_file_can_take_other_images(tmp_path: Path) -> None:
    original = ROOT / "ctlptl.yaml"
    (tmp_path / "ctlptl.yaml").write_text(original.read_text())
    assert cluster.file(configuration.parse({}), tmp_path) == tmp_path / "ctlptl.yaml"
    values = configuration.parse({"node_image": "mirror/node:1", "registry_image": "mirror/registry:3"})
    copy = cluster.file(values, tmp_path)
    text = copy.read_text()
    assert "image: mirror/node:1" in text
    assert "image: mirror/registry:3" in text


def test_another_command_can_create_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(cluster, "run", commands.append)
    monkeypatch.setattr(tools, "path", lambda name: f"/tools/{name}")
    cluster.apply(configuration.parse({}))
    cluster.apply(configuration.parse({"cluster_command": "my-tool apply"}))
    file = str(ROOT / "ctlptl.yaml")
    assert commands == [["/tools/ctlptl", "apply", "-f", file], ["my-tool", "apply", file]]


def test_the_file_names_what_the_settings_name() -> None:
    registry, kind = yaml.safe_load_all((ROOT / "ctlptl.yaml").read_text())
    assert (registry["name"], registry["port"]) == (REGISTRY, REGISTRY_PORT)
    assert (kind["name"], kind["registry"]) == (CONTEXT, REGISTRY)
    assert f"kind-{CLUSTER}" == CONTEXT


def test_https_can_have_another_port_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "ctlptl.yaml").write_text((ROOT / "ctlptl.yaml").read_text())
    copy = cluster.file(configuration.parse({"https_port": "9443"}), tmp_path)
    _, kind = yaml.safe_load_all(copy.read_text())
    (mapping,) = kind["kindV1Alpha4Cluster"]["nodes"][0]["extraPortMappings"]
    assert (mapping["hostPort"], mapping["containerPort"]) == (9443, 30443)


def test_a_file_without_a_port_to_replace_is_an_error() -> None:
    with pytest.raises(FixableError, match="no `hostPort:` line"):
        cluster.with_port(CTLPTL, 9443)
