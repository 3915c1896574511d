"""The floor: Envoy with one worker, as a proxy before the runtime that does nothing but pass on.

Its defaults would end a generation after 15 seconds and refuse the 1,025th connection: both are lifted.
"""

import json
from typing import Any

from bench.goals import FLOOR
from bench.packages import ENVIRONMENT
from bench.servers import ROOT, Recipe

PREFIX = "envoy.extensions.filters"
MANAGER = "http_connection_manager.v3.HttpConnectionManager"
CONNECTIONS = 4096


def configuration(runtime_url: str) -> dict[str, Any]:
    """Return Envoy's static configuration: one listener on {port}, one route, one cluster, no log."""
    host, _, port = runtime_url.removeprefix("http://").partition(":")
    router = {"@type": f"type.googleapis.com/{PREFIX}.http.router.v3.Router"}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "runtime", "timeout": "0s"}}
    manager = {
        "@type": f"type.googleapis.com/{PREFIX}.network.{MANAGER}",
        "stat_prefix": "floor",
        "route_config": {"virtual_hosts": [{"name": "runtime", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": router}],
    }
    network = {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}
    listener = {"name": "floor", "address": _socket("127.0.0.1", "{port}")}
    endpoint = {"endpoint": {"address": _socket(host, port)}}
    limits = ("max_connections", "max_pending_requests", "max_requests")
    cluster = {
        "name": "runtime",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "runtime", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "circuit_breakers": {"thresholds": [dict.fromkeys(limits, CONNECTIONS)]},
    }
    chains = [{"filters": [network]}]
    return {"static_resources": {"listeners": [listener | {"filter_chains": chains}], "clusters": [cluster]}}


def _socket(host: str, port: str) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def recipe(runtime_url: str) -> Recipe:
    """Return how to start Envoy, which `packages.install` has installed."""
    options = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"]
    command = [str(ENVIRONMENT / "bin/envoy"), *options]
    return Recipe(
        FLOOR, [*command, "--config-yaml", json.dumps(configuration(runtime_url))], ROOT, {}, "/ready"
    )  # JSON is YAML
