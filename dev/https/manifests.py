"""The Gateway of the development cluster, and its certificate.

cert-manager issues the certificate from an authority of the cluster's own: one that it makes, or mkcert's.
https://cert-manager.io/docs/configuration/ca/
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dev.settings import GATEWAY_NAMESPACE, HTTPS_HOST, HTTPS_NODE_PORT, HTTPS_PORT, NAMESPACE

GATEWAY = "llm"
CERTIFICATE = "llm-tls"  # the Certificate, and the Secret that it fills
AUTHORITY = "llm-ca"
ENVOY = "envoy"  # of GATEWAY's values, and the name of its class
# Some resolvers know `localhost` but no name under it.
HOSTS = (HTTPS_HOST, "localhost")
LABELS = {"app.kubernetes.io/name": GATEWAY, "app.kubernetes.io/part-of": "llm-platform"}
ISSUERS = "cert-manager.io/v1"
Manifest = dict[str, Any]


def _object(api: str, kind: str, name: str, **parts: Any) -> Manifest:
    metadata = {"name": name, "namespace": GATEWAY_NAMESPACE, "labels": LABELS}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **parts}


def own_authority() -> list[Manifest]:
    """Return an authority that cert-manager makes; its certificate signs itself, for ten years."""
    spec = {
        "isCA": True,
        "commonName": "LLM platform, development",
        "duration": "87600h",
        "secretName": AUTHORITY,
        "privateKey": {"algorithm": "ECDSA", "size": 256},
        "issuerRef": {"name": "self-signed", "kind": "Issuer"},
    }
    return [
        _object(ISSUERS, "Issuer", "self-signed", spec={"selfSigned": {}}),
        _object(ISSUERS, "Certificate", AUTHORITY, spec=spec),
    ]


def given_authority(certificate: str, key: str) -> list[Manifest]:
    """Return an authority that exists (PEM): mkcert's, which the browsers here may trust already."""
    data = {"tls.crt": certificate, "tls.key": key}
    return [_object("v1", "Secret", AUTHORITY, type="kubernetes.io/tls", stringData=data)]


def envoy_class() -> list[Manifest]:
    """Return Envoy Gateway's class, whose proxy is at the node's port; Traefik's chart brings its own.

    https://gateway.envoyproxy.io/docs/api/extension_types/#envoyproxy
    """
    port = {"port": HTTPS_PORT, "nodePort": HTTPS_NODE_PORT}
    resources = {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
    provider = {
        "envoyService": {
            "type": "NodePort",
            "externalTrafficPolicy": "Cluster",
            "patch": {"type": "StrategicMerge", "value": {"spec": {"ports": [port]}}},
        },
        "envoyDeployment": {"container": {"resources": resources}},
    }
    proxy = {"provider": {"type": "Kubernetes", "kubernetes": provider}}
    parameters = {"group": "gateway.envoyproxy.io", "kind": "EnvoyProxy"}
    spec = {
        "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
        "parametersRef": {**parameters, "name": GATEWAY, "namespace": GATEWAY_NAMESPACE},
    }
    gateway_class = _object("gateway.networking.k8s.io/v1", "GatewayClass", ENVOY, spec=spec)
    del gateway_class["metadata"]["namespace"]
    return [_object("gateway.envoyproxy.io/v1alpha1", "EnvoyProxy", GATEWAY, spec=proxy), gateway_class]


def gateway(gateway_class: str) -> list[Manifest]:
    """Return the Gateway with its certificate, which the routes of the platform's namespace may use."""
    certificate = {
        "secretName": CERTIFICATE,
        "dnsNames": list(HOSTS),
        "ipAddresses": ["127.0.0.1"],
        "duration": "2160h",
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "issuerRef": {"name": AUTHORITY, "kind": "Issuer"},
    }
    routes = {"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}}
    listener = {
        "name": "https",
        # The port at which the proxy's container listens; this machine's port may be another.
        "port": HTTPS_PORT,
        "protocol": "HTTPS",
        "tls": {"mode": "Terminate", "certificateRefs": [{"name": CERTIFICATE}]},
        "allowedRoutes": {"namespaces": routes},
    }
    return [
        _object(ISSUERS, "Issuer", AUTHORITY, spec={"ca": {"secretName": AUTHORITY}}),
        _object(ISSUERS, "Certificate", CERTIFICATE, spec=certificate),
        _object(
            "gateway.networking.k8s.io/v1",
            "Gateway",
            GATEWAY,
            spec={"gatewayClassName": gateway_class, "listeners": [listener]},
        ),
    ]


def as_list(objects: Sequence[Mapping[str, Any]]) -> Manifest:
    """Return the objects as one that kubectl applies in this order."""
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}
