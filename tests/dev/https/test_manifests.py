"""The Gateway of the development cluster, its certificate and its values fit together."""

from typing import Any

import yaml

from dev import configuration
from dev.https import manifests
from dev.settings import GATEWAY_NAMESPACE, HTTPS_NODE_PORT, HTTPS_PORT, NAMESPACE, ROOT
from dev.tilt import https

OBJECTS = {(o["kind"], o["metadata"]["name"]): o for o in manifests.gateway("traefik")}
GATEWAY = OBJECTS[("Gateway", manifests.GATEWAY)]["spec"]


def values(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((ROOT / f"monitoring/values/{name}.yaml").read_text())
    return read


def test_every_object_is_in_the_namespace_of_the_gateway() -> None:
    objects = [*OBJECTS.values(), *manifests.own_authority(), *manifests.given_authority("c", "k")]
    assert {o["metadata"]["namespace"] for o in objects} == {GATEWAY_NAMESPACE}


def test_the_listener_serves_the_certificate_that_cert_manager_issues() -> None:
    (listener,) = GATEWAY["listeners"]
    certificate = OBJECTS[("Certificate", manifests.CERTIFICATE)]["spec"]
    assert listener["tls"]["certificateRefs"] == [{"name": certificate["secretName"]}]
    assert certificate["dnsNames"] == ["llm.localhost", "localhost"]


def test_the_certificate_is_signed_by_the_authority_whichever_one_that_is() -> None:
    certificate = OBJECTS[("Certificate", manifests.CERTIFICATE)]["spec"]
    issuer = OBJECTS[("Issuer", certificate["issuerRef"]["name"])]["spec"]
    (secret,) = manifests.given_authority("certificate", "key")
    made = manifests.own_authority()[1]["spec"]
    assert issuer["ca"]["secretName"] == secret["metadata"]["name"] == made["secretName"]
    assert made["isCA"] is True


def test_only_routes_of_the_platforms_namespace_are_attached() -> None:
    routes = GATEWAY["listeners"][0]["allowedRoutes"]["namespaces"]
    assert routes["from"] == "Selector"
    assert routes["selector"]["matchLabels"] == {"kubernetes.io/metadata.name": NAMESPACE}


def test_traefik_listens_where_the_gateway_does_on_the_node_port_that_the_cluster_maps() -> None:
    port = values("traefik")["ports"]["websecure"]
    _, cluster = yaml.safe_load_all((ROOT / "ctlptl.yaml").read_text())
    (mapping,) = cluster["kindV1Alpha4Cluster"]["nodes"][0]["extraPortMappings"]
    assert port["port"] == GATEWAY["listeners"][0]["port"]
    assert port["nodePort"] == mapping["containerPort"] == HTTPS_NODE_PORT
    assert (mapping["hostPort"], mapping["listenAddress"]) == (HTTPS_PORT, "127.0.0.1")
    assert values("traefik")["service"]["spec"]["type"] == "NodePort"
    assert values("traefik")["gatewayClass"]["name"] == GATEWAY["gatewayClassName"]


def test_envoys_proxy_is_at_the_node_port_that_the_cluster_maps() -> None:
    proxy, envoy_class = manifests.envoy_class()
    service = proxy["spec"]["provider"]["kubernetes"]["envoyService"]
    port = {"port": GATEWAY["listeners"][0]["port"], "nodePort": HTTPS_NODE_PORT}
    assert service["type"] == "NodePort"
    assert service["patch"]["value"]["spec"]["ports"] == [port]
    parameters = envoy_class["spec"]["parametersRef"]
    assert parameters["kind"] == proxy["kind"]
    assert {key: parameters[key] for key in ("name", "namespace")}.items() <= proxy["metadata"].items()
    assert envoy_class["metadata"]["name"] == manifests.ENVOY


def test_the_charts_route_names_this_gateway_and_the_names_of_its_certificate() -> None:
    route = https.route_values(configuration.parse({"gateway": "traefik"}))
    assert route["httpRoute.parentRefs[0].name"] == manifests.GATEWAY
    assert route["httpRoute.parentRefs[0].namespace"] == GATEWAY_NAMESPACE
    assert [route["httpRoute.hostnames[0]"], route["httpRoute.hostnames[1]"]] == list(manifests.HOSTS)
