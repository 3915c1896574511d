"""`make doctor`: what `make up` would find here, each failure with its fix.

    python -m dev.doctor [cluster|local]    by default: cluster where an engine answers, else local

Standard library only; exit status 1 when a check failed.
"""

import os
import shutil
import sys
from collections.abc import Mapping

from dev import FixableError, tools
from dev.doctor import checks, probe
from dev.doctor.checks import Check

REGISTRY = "llm-registry"
CLUSTER_PORTS = {8000: "the API", 11434: "the runtime", 3000: "Grafana", 9090: "Prometheus", 10350: "Tilt"}
LOCAL_PORTS = {"API_PORT": (8000, "the API"), "RUNTIME_PORT": (11434, "the runtime")}


def held(port: int) -> str | None:
    """None where a port is free, else who has it as far as that can be told."""
    if probe.port_is_free(port):
        return None
    container = probe.container_on(port)
    return f"container {container}" if container else probe.port_holder(port)


def registry_port() -> Check:
    """Port 5005 is free, or the registry's own."""
    holder = held(5005)
    if holder == f"container {REGISTRY}":
        return Check("port 5005", "ok", "the registry stands already")
    return checks.port(5005, "the registry", holder)


def local_ports(environment: Mapping[str, str]) -> dict[str, int]:
    """The two ports of the local profile, by the name of their setting.

    Raises:
        FixableError: a setting is no port number; the message names it.
    """
    ports = {}
    for setting, (default, _) in LOCAL_PORTS.items():
        text = environment.get(setting) or str(default)
        if not text.isdigit() or not 0 < int(text) < 65536:
            raise FixableError(f"{setting}={text} is no port (1 to 65535)")
        ports[setting] = int(text)
    return ports


def cluster(engine: probe.Engine) -> list[Check]:
    """What the cluster wants."""
    found = [checks.engine(engine.ready, engine.says)]
    if engine.ready:
        folder = engine.folder if engine.folder and os.path.isdir(engine.folder) else str(tools.ROOT)
        found += [
            checks.memory(engine.memory or None, 4, 8, "Docker"),
            checks.processors(engine.processors),
            checks.disk(probe.free_disk(folder), folder, 8, 15),
        ]
    found.append(checks.inotify(probe.inotify_limits()))
    found += [checks.port(number, use, held(number)) for number, use in CLUSTER_PORTS.items()]
    found.append(registry_port())
    kubectl = tools.find(tools.TOOLS["kubectl"])
    found.append(checks.context(probe.kube_config(kubectl[0]) if kubectl else None))
    for name in tools.CLUSTER:
        there = tools.find(tools.TOOLS[name])
        found.append(checks.tool(name, there[1] if there else None, tools.pins()[name]))
    return found


def local(environment: Mapping[str, str]) -> list[Check]:
    """What the local profile wants."""
    found = [
        Check("python", "ok", f"{sys.version.split()[0]} ({sys.executable})"),
        checks.memory(probe.available_memory(), 1, 1.5, "this machine"),
        checks.disk(probe.free_disk(tools.ROOT), str(tools.ROOT), 1, 2),
    ]
    for setting, number in local_ports(environment).items():
        found.append(checks.port(number, LOCAL_PORTS[setting][1], held(number), setting))
    return found


def report(found: list[Check], only_trouble: bool = False) -> bool:
    """Print findings; whether none of them failed."""
    for check in found:
        if check.state != "ok" or not only_trouble:
            print(check)
    return all(check.state != "FAIL" for check in found)


def main(arguments: list[str]) -> int:
    """The command; its exit status."""
    if arguments not in ([], ["cluster"], ["local"]):
        print("usage: python -m dev.doctor [cluster|local]", file=sys.stderr)
        return 2
    engine = probe.engine()
    mode = arguments[0] if arguments else "cluster" if engine.ready else "local"
    if not arguments and not engine.ready:
        print(f"note  {engine.says}; make up would start the local profile\n")
    try:
        healthy = report(cluster(engine) if mode == "cluster" else local(os.environ))
    except FixableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if shutil.which("tilt") and mode == "cluster":
        print("\nTilt looks deeper: tilt doctor")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
