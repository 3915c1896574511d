"""What follows from POLICIES for the charts' NetworkPolicies."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from dev.settings import GATEWAY_NAMESPACE, Values

NAME = r"matchLabels.app\.kubernetes\.io/name"
NAMESPACE_NAME = r"matchLabels.kubernetes\.io/metadata\.name"
# Beside load/job.yaml and what both charts allow.
FILES = ["charts/default-deny.yaml", "load/networkpolicy.yaml"]


def files(values: Values) -> list[str]:
    """Return the manifests of policies that belong to no chart."""
    return FILES if values["policies"] else []


def gateway_values(values: Values, runtime_url: str = "") -> dict[str, Any]:
    """Return the values of charts/llm-api; `runtime_url` is the runtime's address outside the cluster."""
    if not values["policies"]:
        return {}
    found: dict[str, Any] = {
        "networkPolicy.enabled": True,
        f"networkPolicy.from[0].podSelector.{NAME}": "llm-load",
    }
    if values["gateway"] != "none":
        found |= {
            f"networkPolicy.from[1].namespaceSelector.{NAMESPACE_NAME}": GATEWAY_NAMESPACE,
            f"networkPolicy.from[1].podSelector.{NAME}": values["gateway"],
        }
    if runtime_url:
        found["networkPolicy.runtimeTo[0].ipBlock.cidr"] = network(urlsplit(runtime_url).hostname or "")
    return found


def network(host: str) -> str:
    """Return the network with an address alone; for a name, which no policy can hold, every IPv4 one."""
    try:
        return str(ipaddress.ip_network(host))
    except ValueError:
        return "0.0.0.0/0"


def runtime_values(values: Values) -> dict[str, Any]:
    """Return the values of charts/llm-runtime: a mirror of models need not be a public address."""
    if not values["policies"]:
        return {}
    source = {"networkPolicy.egress[0].ports[0].port": port(values)} if values["model_source"] else {}
    return {"networkPolicy.enabled": True} | (source if values["engine"] == "ollama" else {})


def port(values: Values) -> int:
    """Return the port of MODEL_SOURCE."""
    source = str(values["model_source"])
    address = urlsplit(source if "://" in source else f"//{source}")
    return address.port or (80 if address.scheme == "http" else 443)
