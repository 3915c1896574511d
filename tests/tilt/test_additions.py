"""What can be added to the platform: a Gateway, NetworkPolicies, traces."""

import os
import shutil
from pathlib import Path

import pytest

from dev.settings import ROOT
from tests.tilt.evaluated import CLUSTER, PLACES, Evaluator


@pytest.fixture
def docker_with_the_port(tmp_path: Path) -> str:
    """A PATH with a docker whose cluster publishes the Gateway's port."""
    (tmp_path / "docker").write_text("#!/bin/sh\necho '30443/tcp 127.0.0.1:8443'\n")
    (tmp_path / "docker").chmod(0o755)
    return f"{tmp_path}{os.pathsep}{PLACES}"


def test_a_gateway_comes_with_its_crds_its_certificate_and_the_route(
    evaluate: Evaluator, docker_with_the_port: str
) -> None:
    flags = ("--engine=llamacpp", "--monitoring=false", "--autoscaler=none", "--gateway=traefik")
    made = evaluate(*flags, PATH=docker_with_the_port)
    assert made.status == 0, made.log
    assert set(made.resources) == CLUSTER | {"gateway-api", "traefik", "cert-manager", "https", "route"}
    assert made.waits_for("traefik") == ["gateway-api", "namespaces"]
    assert made.waits_for("https") == ["cert-manager", "traefik"]
    assert made.waits_for("route") == ["gateway-api", "namespaces"]
    assert made.waits_for("llm-api") == ["namespaces"]  # the platform starts without waiting for HTTPS
    assert "llm.localhost" in made.text("route")
    assert {made.resources[name]["Labels"]["https"] for name in ("traefik", "https", "route")} == {"https"}


def test_the_gateway_can_be_envoys_instead(evaluate: Evaluator, docker_with_the_port: str) -> None:
    flags = ("--engine=llamacpp", "--monitoring=false", "--autoscaler=none", "--gateway=envoy")
    made = evaluate(*flags, PATH=docker_with_the_port)
    assert made.status == 0, made.log
    assert set(made.resources) == CLUSTER | {"gateway-api", "envoy-gateway", "cert-manager", "https", "route"}
    assert made.waits_for("https") == ["cert-manager", "envoy-gateway"]


def test_an_object_whose_kind_nothing_brings_is_refused_with_its_fix(
    evaluate: Evaluator, tmp_path: Path
) -> None:
    folder = tmp_path / "repository"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".*", "out", "__pycache__"))
    values = folder / "tilt/values/llm-api.yaml"
    values.write_text(values.read_text() + "httpRoute: {enabled: true, parentRefs: [{name: llm}]}\n")
    made = evaluate("--engine=simulated", "--monitoring=false", folder=folder)
    assert made.status != 0
    assert "HTTPRoute, and the settings leave out gateway-api" in made.log
    assert "fix: GATEWAY=traefik" in made.log


def test_policies_are_objects_of_their_own_and_of_both_charts(evaluate: Evaluator) -> None:
    made = evaluate("--engine=llamacpp", "--monitoring=false", "--autoscaler=none", "--policies")
    assert made.status == 0, made.log
    assert set(made.resources) == CLUSTER | {"network-policies", "policies"}
    for name in ("llm-api", "llm-runtime", "network-policies"):
        assert "NetworkPolicy" in made.text(name)
    assert made.waits_for("network-policies") == ["namespaces"]


def test_tracing_brings_jaeger_and_with_grafana_its_data_source(evaluate: Evaluator) -> None:
    made = evaluate("--engine=llamacpp", "--monitoring=false", "--autoscaler=none", "--tracing")
    assert made.status == 0, made.log
    assert set(made.resources) == CLUSTER | {"jaeger"}
    assert made.waits_for("jaeger") == ["namespaces"]
    assert made.waits_for("llm-api") == ["namespaces"]  # whose traces may be lost until Jaeger is there
    assert "http://jaeger.monitoring:4318" in made.text("llm-api")
    assert "grafana_datasource" not in made.text("jaeger")
    assert "grafana_datasource" in evaluate("--tracing").text("jaeger")


def test_with_gitops_nothing_of_the_platform_is_applied(evaluate: Evaluator) -> None:
    made = evaluate("--gitops")
    assert made.status == 0, made.log
    steps = {f"gitops-{step}" for step in ("prove", "install", "rollback", "remove")}
    tests = {"unit-tests", "chart-tests", "lint"}
    assert set(made.resources) == {"applications", "llm-api", "llm-runtime"} | steps | tests
    for name in ("llm-api", "llm-runtime"):
        assert made.waits_for(name) == ["applications"]
        target = made.resources[name]["DeployTarget"]
        command = " ".join(target["applyCmd"]["args"])
        assert " get " in command
        assert " apply" not in command
        assert target["deleteCmd"]["args"][-1] == "true"
