"""What follows from GATEWAY, before anything is applied."""

from typing import Any

import pytest

from dev import FixableError
from dev.doctor import probe
from dev.tilt import plan as tilt_plan

URL = "https://llm.localhost:8443"


def plan(subcommand: str = "up", **settings: Any) -> dict[str, Any]:
    return tilt_plan.plan({"monitoring": False, **settings}, {}, subcommand)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Where the cluster publishes HTTPS, in a list that a test changes."""
    found: list[str | None] = ["127.0.0.1:8443"]
    monkeypatch.setattr(probe, "published_port", lambda *_: found[0])
    return found


def test_the_cluster_has_traefik_unless_another_is_named(published: list[str | None]) -> None:
    assert plan() == plan(gateway="traefik")


def test_without_a_gateway_nothing_of_it_is_installed(published: list[str | None]) -> None:
    published[0] = ""
    made = plan(gateway="none")
    assert made["https"] == {}
    assert made["namespaces"] == ["llm"]
    assert not any("httpRoute" in value for value in made["api_values"])


def test_traefik_comes_with_cert_manager_the_crds_and_a_route(published: list[str | None]) -> None:
    made = plan(gateway="traefik")
    assert list(made["charts"]) == ["metrics-server", "traefik", "cert-manager"]
    assert "gateway-api" in made["charts"]["traefik"]["needs"]
    assert made["namespaces"] == ["llm", "gateways", "cert-manager"]
    assert made["https"]["url"] == URL
    assert made["https"]["crds"].endswith("/standard-install.yaml")
    assert {"httpRoute.enabled=true", "httpRoute.hostnames[0]=llm.localhost"} <= set(made["api_values"])


def test_envoy_takes_traefiks_place(published: list[str | None]) -> None:
    made, other = plan(gateway="envoy"), plan(gateway="traefik")
    assert list(made["charts"]) == ["metrics-server", "envoy-gateway", "cert-manager"]
    assert made["charts"]["envoy-gateway"]["needs"] == other["charts"]["traefik"]["needs"]
    assert (made["https"]["gateway"], made["https"]["chart"]) == ("envoy", "envoy-gateway")
    assert made["api_values"] == other["api_values"]  # the route names no implementation


def test_charts_and_crds_can_come_from_elsewhere(published: list[str | None]) -> None:
    made = plan(
        gateway="traefik",
        traefik_chart="/charts/traefik",
        gateway_api_crds="/crds.yaml",
        image_registry="mirror.example:5000",
    )
    assert made["charts"]["traefik"]["chart"] == "/charts/traefik"
    assert "image.registry=mirror.example:5000/library" in made["charts"]["traefik"]["flags"]
    assert "imageRegistry=mirror.example:5000" in made["charts"]["cert-manager"]["flags"]
    assert made["https"]["crds"] == "/crds.yaml"


def test_an_older_cluster_without_the_port_is_refused_with_the_way_to_renew_it(
    published: list[str | None],
) -> None:
    published[0] = ""
    with pytest.raises(FixableError, match=r"(?s)without the port of HTTPS.*make down, then make up"):
        plan(gateway="traefik")
    assert plan("down", gateway="traefik")["https"]  # what is there can always be removed


def test_a_cluster_that_cannot_be_asked_is_not_refused(published: list[str | None]) -> None:
    published[0] = None
    assert plan(gateway="traefik")["https"]["url"] == URL


def test_another_port_is_part_of_the_address_and_has_to_be_the_clusters(
    published: list[str | None],
) -> None:
    with pytest.raises(FixableError, match=r"(?s)127.0.0.1:8443, and HTTPS_PORT is 9443.*HTTPS_PORT=8443"):
        plan(gateway="traefik", https_port=9443)
    published[0] = "127.0.0.1:9443"
    assert plan(gateway="traefik", https_port=9443)["https"]["url"] == "https://llm.localhost:9443"


def test_the_local_profile_has_no_gateway() -> None:
    assert tilt_plan.plan({"profile": "local", "engine": "simulated"}, {})["profile"] == "local"
    with pytest.raises(FixableError, match=r"(?s)GATEWAY=traefik needs the cluster.*fix: GATEWAY=none"):
        tilt_plan.plan({"profile": "local", "engine": "simulated", "gateway": "traefik"}, {})


def test_an_implementation_that_is_not_supported_is_refused_by_name() -> None:
    with pytest.raises(FixableError, match="GATEWAY=nginx is not one of traefik, envoy, none"):
        plan(gateway="nginx")
