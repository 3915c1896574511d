"""What follows from GATEWAY for the Tiltfile and the gateway's chart."""

from typing import Any

from dev import FixableError
from dev.doctor import checks, probe
from dev.https import manifests
from dev.settings import GATEWAY_NAMESPACE, HTTPS_HOST, HTTPS_NODE_PORT, NODE, Values

# The chart of each implementation, as sources.CHARTS names it.
CHARTS = {"traefik": "traefik", "envoy": "envoy-gateway"}


def plan(values: Values) -> dict[str, str]:
    """Return what the Tiltfile needs to know of HTTPS; nothing where there is no Gateway."""
    gateway = values["gateway"]
    if gateway == "none":
        return {}
    return {
        "gateway": gateway,
        "chart": CHARTS[gateway],
        "url": f"https://{HTTPS_HOST}:{values['https_port']}",
        "crds": values["gateway_api_crds"],
    }


def check(values: Values) -> None:
    """Check that the cluster publishes the Gateway's port.

    Raises:
        FixableError: it does not, and a running cluster cannot be given a port.
    """
    if values["gateway"] == "none":
        return
    published = probe.published_port(NODE, HTTPS_NODE_PORT)
    if published is None:
        return  # another engine's cluster, which cannot be asked
    found = checks.published(published, values["https_port"], wanted=True)
    if found.state != "ok":
        raise FixableError(found.message, found.fix)


def route_values(values: Values) -> dict[str, Any]:
    """Return the values of charts/llm-api that route the Gateway's requests; none without a Gateway."""
    if values["gateway"] == "none":
        return {}
    return {
        "httpRoute.enabled": True,
        "httpRoute.parentRefs[0].name": manifests.GATEWAY,
        "httpRoute.parentRefs[0].namespace": GATEWAY_NAMESPACE,
    } | {f"httpRoute.hostnames[{number}]": name for number, name in enumerate(manifests.HOSTS)}
