"""`python -m dev doctor [cluster|local]`: what `up` would find on this machine, each problem with its fix."""

import argparse
import os
import shutil
import sys

from dev import FixableError, configuration
from dev.doctor import checks, ollama, probe, tools
from dev.doctor.checks import Check
from dev.doctor.choice import choose
from dev.settings import (
    GRAFANA_PORT,
    HTTPS_NODE_PORT,
    JAEGER_PORT,
    NODE,
    PROMETHEUS_PORT,
    REGISTRY,
    REGISTRY_PORT,
    ROOT,
    SETTINGS,
    TILT_PORT,
    Values,
)


def port_holder(port: int) -> str | None:
    """Return who listens on a port (empty where that is unknown), or None where the port is free."""
    if probe.port_is_free(port):
        return None
    container = probe.container_on(port)
    return f"container {container}" if container else probe.port_holder(port)


def registry_port() -> Check:
    """Check that the registry's port is free, or its own."""
    holder = port_holder(REGISTRY_PORT)
    if holder == f"container {REGISTRY}":
        return Check(f"port {REGISTRY_PORT}", "ok", "the registry already runs")
    return checks.port(REGISTRY_PORT, "the registry", holder)


def service_ports(values: Values) -> list[Check]:
    """Check the ports of gateway and runtime on this machine; with ENGINE=host no runtime starts."""
    uses = {"api_port": "the API", "runtime_port": "the runtime"}
    return [
        checks.port(values[name], use, port_holder(values[name]), SETTINGS[name].variable)
        for name, use in uses.items()
        if name == "api_port" or values["engine"] != "host"
    ]


def https_port(values: Values) -> Check:
    """Check that the cluster publishes the Gateway's port, or that a new one could."""
    published = probe.published_port(NODE, HTTPS_NODE_PORT)
    if published is None:
        port = values["https_port"]
        return checks.port(port, "HTTPS", port_holder(port), SETTINGS["https_port"].variable)
    return checks.published(published, values["https_port"], wanted=values["gateway"] != "none")


def reachable_from_pods(values: Values, containers: probe.ContainerEngine) -> Check:
    """Check that pods reach the Ollama of ENGINE=host."""
    try:
        url = ollama.url_from_pods(ollama.parse_address(values["ollama_host"]), containers)
    except FixableError as error:
        return Check("ollama", "FAIL", error.problem, error.fix)
    return Check("ollama", "ok", f"pods reach it at {url}")


def cluster(values: Values, containers: probe.ContainerEngine) -> list[Check]:
    """Check what the cluster needs."""
    found = [checks.engine(containers.ready, containers.description)]
    if containers.ready:
        folder = containers.folder if os.path.isdir(containers.folder) else str(ROOT)
        found += [
            checks.memory(containers.memory or None, 4, 8, "Docker"),
            checks.processors(containers.processors),
            checks.disk(probe.free_disk(folder), folder, 8, 15),
        ]
    found.append(checks.inotify(probe.inotify_limits()))
    found += service_ports(values)
    others = {GRAFANA_PORT: "Grafana", PROMETHEUS_PORT: "Prometheus", TILT_PORT: "Tilt"}
    others |= {JAEGER_PORT: "Jaeger"} if values["tracing"] else {}
    found += [checks.port(number, use, port_holder(number)) for number, use in others.items()]
    found.append(registry_port())
    found.append(https_port(values))
    if values["engine"] == "host" and containers.ready:
        found.append(reachable_from_pods(values, containers))
    kubectl = tools.find("kubectl")
    found.append(checks.context(probe.kube_config(kubectl[0]) if kubectl else None))
    for name in tools.CLUSTER:
        tool = tools.find(name)
        found.append(checks.tool(name, tool[1] if tool else None, tools.pins()[name]))
    return found


def local(values: Values) -> list[Check]:
    """Check what the local profile needs."""
    return [
        Check("python", "ok", f"{sys.version.split()[0]} ({sys.executable})"),
        checks.memory(probe.available_memory(), 1, 1.5, "this machine"),
        checks.disk(probe.free_disk(ROOT), str(ROOT), 1, 2),
        *service_ports(values),
    ]


def print_checks(found: list[Check], only_problems: bool = False) -> bool:
    """Print checks and return whether none of them failed."""
    for check in found:
        if check.state != "ok" or not only_problems:
            print(check)
    return all(check.state != "FAIL" for check in found)


def main(argv: list[str]) -> int:
    """Check this machine and return the exit status: 1 where a check failed.

    Raises:
        FixableError: a setting is wrong.
    """
    parser = argparse.ArgumentParser(prog="python -m dev doctor", description="Check this machine.")
    parser.add_argument("profile", nargs="?", choices=SETTINGS["profile"].values, help="default: as `up`")
    profile = parser.parse_args(argv).profile
    given = configuration.given(configuration.from_file(), os.environ) | (
        {"profile": profile} if profile else {}
    )
    values = configuration.parse(given)
    containers = probe.container_engine()
    if profile != "cluster":
        values, reason = choose(values, containers)
        print(f"{reason}\n")
    in_cluster = (profile or values["profile"]) == "cluster"
    healthy = print_checks(cluster(values, containers) if in_cluster else local(values))
    if shutil.which("tilt") and in_cluster:
        print("\nTilt checks more: tilt doctor")
    return 0 if healthy else 1
