"""What follows from POLICIES, before anything is applied."""

from typing import Any

import pytest

from dev import FixableError
from dev.doctor import ollama, probe
from dev.tilt import plan as tilt_plan
from dev.tilt import policies

NAME = r"matchLabels.app\.kubernetes\.io/name"


def plan(**settings: Any) -> dict[str, Any]:
    return tilt_plan.plan({"monitoring": False, "policies": True, "gateway": "none", **settings}, {})


def about(values: list[str]) -> set[str]:
    return {value for value in values if value.startswith("networkPolicy.")}


def test_without_policies_nothing_of_them_is_installed() -> None:
    made = plan(policies=False)
    assert made["policies"] == []
    assert not about(made["api_values"]) | about(made["runtime_values"])


def test_with_policies_both_charts_have_theirs_and_the_namespace_denies_the_rest() -> None:
    made = plan()
    assert made["policies"] == ["charts/default-deny.yaml", "load/networkpolicy.yaml"]
    load = rf"networkPolicy.from[0].podSelector.{NAME}=llm-load"
    assert about(made["api_values"]) == {"networkPolicy.enabled=true", load}
    assert about(made["runtime_values"]) == {"networkPolicy.enabled=true"}


@pytest.mark.parametrize("gateway", ["traefik", "envoy"])
def test_the_gateways_proxy_is_let_in_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, gateway: str
) -> None:
    monkeypatch.setattr(probe, "published_port", lambda *_: "127.0.0.1:8443")
    made = about(plan(gateway=gateway)["api_values"])
    assert rf"networkPolicy.from[1].podSelector.{NAME}={gateway}" in made
    namespace = r"networkPolicy.from[1].namespaceSelector.matchLabels.kubernetes\.io/metadata\.name=gateways"
    assert namespace in made


@pytest.mark.parametrize(
    ("url", "cidr"), [("http://10.1.2.3:11434", "10.1.2.3/32"), ("http://ollama.example:11434", "0.0.0.0/0")]
)
def test_an_ollama_outside_the_cluster_is_reached_by_its_address(
    monkeypatch: pytest.MonkeyPatch, url: str, cidr: str
) -> None:
    monkeypatch.setattr(ollama, "ask", lambda _: ollama.Ollama("1.0", url, ("a:1",)))
    monkeypatch.setattr(ollama, "url_from_pods", lambda *_: url)
    made = plan(engine="host")
    assert f"networkPolicy.runtimeTo[0].ipBlock.cidr={cidr}" in made["api_values"]


@pytest.mark.parametrize(
    ("source", "port"),
    [("mirror.example/library/", 443), ("http://mirror:5000/library/", 5000), ("http://mirror/library/", 80)],
)
def test_a_mirror_of_models_is_reached_at_its_port(source: str, port: int) -> None:
    made = about(plan(model_source=source)["runtime_values"])
    assert made == {"networkPolicy.enabled=true", f"networkPolicy.egress[0].ports[0].port={port}"}


def test_only_ollama_pulls() -> None:
    made = plan(engine="llamacpp", model_source="mirror.example/library/")
    assert about(made["runtime_values"]) == {"networkPolicy.enabled=true"}


def test_the_local_profile_has_no_policies() -> None:
    with pytest.raises(FixableError, match=r"(?s)POLICIES=true needs the cluster.*fix: POLICIES=false"):
        tilt_plan.plan({"profile": "local", "engine": "simulated", "policies": True}, {})


def test_a_name_stands_for_every_address() -> None:
    assert policies.network("::1") == "::1/128"
    assert policies.network("host.docker.internal") == "0.0.0.0/0"
