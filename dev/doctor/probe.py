"""Facts about this machine: container engine, memory, disk, ports, contexts. Nothing here judges them."""

import ipaddress
import json
import math
import os
import platform
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TIMEOUT = 20  # seconds for a program to answer


@dataclass(frozen=True)
class ContainerEngine:
    """A container engine: whether it answers, what it is or why it does not, and what it has (0: unknown)."""

    ready: bool
    description: str
    memory: int = 0  # bytes
    processors: int = 0
    folder: str = ""
    in_vm: bool = False  # as with Docker Desktop: this machine is not the containers' gateway


NOT_ASKED = ContainerEngine(False, "not asked for")


def run(*command: str) -> tuple[int, str, str]:
    """Return a program's exit status (127 where there is no such program), its output and its errors."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except FileNotFoundError:
        return 127, "", f"{command[0]} is not on the PATH"
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, "", str(error)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def container_engine() -> ContainerEngine:
    """Return Docker, or what answers to its command."""
    status, version, problem = run("docker", "version", "--format", "{{.Server.Version}}")
    if status == 127:
        podman = " (podman is; see README, troubleshooting)" if shutil.which("podman") else ""
        return ContainerEngine(False, f"no Docker is on the PATH{podman}")
    if status or not version:
        description = f"Docker is installed, but its engine does not answer ({last_line(problem)})"
        return ContainerEngine(False, description)
    _, shown, _ = run("docker", "info", "--format", "{{json .}}")
    try:
        info: dict[str, Any] = dict(json.loads(shown))
    except (ValueError, TypeError):
        info = {}  # Podman's command has its facts elsewhere
    return ContainerEngine(
        True,
        f"Docker {version}",
        int(info.get("MemTotal") or 0),
        int(info.get("NCPU") or 0),
        str(info.get("DockerRootDir", "")),
        platform.system() != "Linux" or info.get("OperatingSystem") == "Docker Desktop",
    )


def network_gateway(network: str) -> str:
    """Return this machine's IPv4 address in one of Docker's networks; empty where there is no such network.

    It is the first address of the subnet, unless the network's configuration names another.
    """
    status, shown, _ = run("docker", "network", "inspect", network, "--format", "{{json .IPAM.Config}}")
    for part in (json.loads(shown) if status == 0 else None) or []:
        subnet = ipaddress.ip_network(part["Subnet"])
        if subnet.version == 4:
            return str(part.get("Gateway") or subnet[1])
    return ""


def last_line(text: str) -> str:
    """Return the last line of a program's output, which usually has the reason."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "without a message"


def available_memory() -> float | None:
    """Return the bytes that new programs can use without swapping, or None where that is unknown."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return min(int(line.split()[1]) * 1024, container_memory())
    except OSError:
        pass  # not Linux: macOS is asked below
    status, shown, _ = run("sysctl", "-n", "hw.memsize")
    return int(shown) if status == 0 and shown.isdigit() else None


def container_memory(folder: Path = Path("/sys/fs/cgroup")) -> float:
    """Return the bytes left under this container's memory limit (cgroup v2); infinite where there is none."""
    try:
        limit, used = ((folder / f"memory.{what}").read_text().strip() for what in ("max", "current"))
        return max(int(limit) - int(used), 0)
    except (OSError, ValueError):
        return math.inf


def free_disk(folder: str | Path) -> int:
    """Return the free bytes of a folder's disk; where it does not exist, of its nearest parent's."""
    path = Path(folder)
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def inotify_limits() -> tuple[int, int] | None:
    """Return the (watches, instances) that a user may have, or None where the system has no inotify."""
    folder = Path("/proc/sys/fs/inotify")
    try:
        watches, instances = (int((folder / f"max_user_{w}").read_text()) for w in ("watches", "instances"))
    except OSError:
        return None
    return watches, instances


def port_is_free(port: int) -> bool:
    """Return whether a program could listen on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def port_holder(port: int) -> str:
    """Return the program that listens on a port; empty where this user or system cannot know it."""
    sockets = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.access(table, os.R_OK):
            for row in Path(table).read_text().splitlines()[1:]:
                fields = row.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    sockets.add(f"socket:[{fields[9]}]")
    for link in Path("/proc").glob("[0-9]*/fd/*") if sockets else ():
        try:
            if os.readlink(link) in sockets:
                process = link.parts[2]
                command = Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ").strip()
                return f"process {process}: {command[:60]}"
        except OSError:
            continue  # another user's, or it has ended
    return ""


def container_on(port: int) -> str:
    """Return the name of the container that publishes a port, or the empty string."""
    status, names, _ = run("docker", "ps", "--filter", f"publish={port}", "--format", "{{.Names}}")
    return names if status == 0 else ""


def published_port(container: str, port: int) -> str | None:
    """Return where a container's TCP port is published, such as 127.0.0.1:8443; empty where it is not.

    None: there is no such container, or no engine to ask.
    """
    address = "{{$port}} {{.HostIp}}:{{.HostPort}}\n"
    ports = "{{range $port, $to := .HostConfig.PortBindings}}{{range $to}}" + address + "{{end}}{{end}}"
    status, shown, _ = run("docker", "inspect", "--type=container", "--format", ports, container)
    if status:
        return None
    published = dict(line.split(" ", 1) for line in shown.splitlines() if " " in line)
    return published.get(f"{port}/tcp", "")


def kube_config(kubectl: str) -> dict[str, Any] | None:
    """Return kubectl's merged configuration, or None where it cannot be read."""
    status, shown, _ = run(kubectl, "config", "view", "-o", "json")
    try:
        config: dict[str, Any] = json.loads(shown) if status == 0 else {}
    except ValueError:
        config = {}
    return config or None
