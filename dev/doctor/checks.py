"""What `up` needs of a machine: facts in, a Check out, and each problem names its fix.

Nothing here asks the machine; dev/doctor/probe.py does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from dev.settings import CONTEXT

GIB = 1024**3
LOOPBACK = {"127.0.0.1", "localhost", "::1", "0.0.0.0"}  # noqa: S104 - what kind writes, not what we bind
WATCHES, INSTANCES = 524288, 512  # https://kind.sigs.k8s.io/docs/user/known-issues/
FEWEST_WATCHES, FEWEST_INSTANCES = 65536, 128
MORE_DISK = "free some space: docker system prune"


@dataclass(frozen=True)
class Check:
    """The result of a check; `fix` is set unless it is ok."""

    name: str
    state: Literal["ok", "warn", "FAIL"]
    message: str
    fix: str = ""

    def __str__(self) -> str:
        line = f"{self.state:<4}  {self.name:<9} {self.message}"
        return line + (f"\n        fix: {self.fix.replace(chr(10), chr(10) + ' ' * 13)}" if self.fix else "")


def engine(ready: bool, description: str) -> Check:
    """Check that a container engine answers."""
    if ready:
        return Check("engine", "ok", description)
    return Check(
        "engine",
        "FAIL",
        description,
        "start Docker (systemctl start docker, or Docker Desktop), or install it: https://docs.docker.com/engine/install\n"
        "or use the platform without containers: make local",
    )


def memory(available: float | None, needed: float, advised: float, whose: str) -> Check:
    """Check the available memory (bytes) against what is needed and advised (GiB)."""
    if available is None:
        return Check("memory", "ok", f"unknown for {whose}; {advised:g} GiB are advised")
    has = f"{whose} has {available / GIB:.1f} GiB"
    if available < needed * GIB:
        return Check("memory", "FAIL", f"{has}, {needed:g} GiB are needed", _more_memory(whose))
    if available < advised * GIB:
        return Check("memory", "warn", f"{has}, {advised:g} GiB are advised", _more_memory(whose))
    return Check("memory", "ok", has)


def _more_memory(whose: str) -> str:
    if whose == "Docker":
        return (
            "give Docker more (Docker Desktop: Settings, Resources, Memory), close other programs,\n"
            "or start less: make up MONITORING=false ENGINE=llamacpp; without a cluster: make local"
        )
    return "close other programs, or run without a model: make local ENGINE=simulated"


def processors(count: int) -> Check:
    """Check that there are the two processors that the platform's requests need; 0 is an unknown number."""
    if not count:
        return Check("cpu", "ok", "unknown for Docker; 2 processors are advised")
    if count >= 2:
        return Check("cpu", "ok", f"{count} processors")
    return Check(
        "cpu",
        "warn",
        f"{count} processor; the platform's requests need 2",
        "give Docker more (Docker Desktop: Settings, Resources, CPUs), or: make up MONITORING=false",
    )


def disk(free: int, folder: str, needed: float, advised: float) -> Check:
    """Check a folder's free disk space (bytes) against what is needed and advised (GiB)."""
    has = f"{free / GIB:.1f} GiB are free in {folder}"
    if free < needed * GIB:
        return Check("disk", "FAIL", f"{has}, {needed:g} GiB are needed", MORE_DISK)
    if free < advised * GIB:
        return Check("disk", "warn", f"{has}, {advised:g} GiB are advised", MORE_DISK)
    return Check("disk", "ok", has)


def inotify(limits: tuple[int, int] | None) -> Check:
    """Check the limits on watched files: too low a limit appears as "too many open files" in pods."""
    if limits is None:
        return Check("inotify", "ok", "this system has no inotify limits")
    watches, instances = limits
    limits_now = f"max_user_watches {watches}, max_user_instances {instances}"
    if watches >= WATCHES and instances >= INSTANCES:
        return Check("inotify", "ok", limits_now)
    low = watches < FEWEST_WATCHES or instances < FEWEST_INSTANCES
    return Check(
        "inotify",
        "FAIL" if low else "warn",
        f"{limits_now}; kind advises {WATCHES} and {INSTANCES}",
        f"sudo sysctl fs.inotify.max_user_watches={WATCHES} fs.inotify.max_user_instances={INSTANCES}\n"
        "(to keep it: the same two lines in /etc/sysctl.d/99-kind.conf)",
    )


def port(number: int, use: str, holder: str | None, setting: str = "") -> Check:
    """Check that a port is free, that is, that its `holder` is None; `setting` can move it."""
    name = f"port {number}"
    if holder is None:
        return Check(name, "ok", f"free ({use})")
    by = f" by {holder}" if holder else ""
    other = f",\nor choose another: {setting}={number + 1}" if setting else ""
    find = "" if holder else f" (lsof -i :{number} names it)"
    return Check(name, "FAIL", f"taken{by}; needed for {use}", f"stop that program{find}{other}")


def published(address: str, port: int, wanted: bool) -> Check:
    """Check that an existing cluster publishes HTTPS at a port; it is a problem only where it is wanted."""
    name = "https"
    if address.endswith(f":{port}"):
        return Check(name, "ok", f"the cluster publishes it at {address}")
    if address:
        problem = f"the cluster {CONTEXT} publishes HTTPS at {address}, and HTTPS_PORT is {port}"
        fix = (
            f"HTTPS_PORT={address.rpartition(':')[2]}\n"
            "or make down, then make up: a new cluster has the other port"
        )
    else:
        problem = f"the cluster {CONTEXT} was created without the port of HTTPS, and none can be added"
        fix = (
            "make down, then make up: the new cluster has it (the old one's pods and models are lost)\n"
            "or without HTTPS: GATEWAY=none"
        )
    return Check(name, "FAIL" if wanted else "warn", problem, fix)


def context(config: Mapping[str, Any] | None) -> Check:
    """Check that the project's context does not exist yet, or leads to this machine."""
    if config is None:
        return Check("context", "ok", f"no kubeconfig yet; {CONTEXT} will be created")
    contexts = {c["name"]: c["context"] for c in config.get("contexts") or []}
    current = config.get("current-context") or "none"
    if CONTEXT not in contexts:
        return Check("context", "ok", f"{CONTEXT} will be created and become current (now: {current})")
    servers = {c["name"]: c["cluster"].get("server", "") for c in config.get("clusters") or []}
    server = servers.get(contexts[CONTEXT].get("cluster", ""), "")
    if urlsplit(server).hostname in LOOPBACK:
        return Check("context", "ok", f"{CONTEXT} leads to {server}")
    return Check(
        "context",
        "FAIL",
        f"{CONTEXT} leads to {server or 'nowhere'}, which is not this machine",
        f"this project needs the name; rename yours: kubectl config rename-context {CONTEXT} OTHER-NAME",
    )


def tool(name: str, found: str | None, pinned: str) -> Check:
    """Check that a tool is installed; where it is not, `up` installs it."""
    if found:
        return Check(name, "ok", found)
    return Check(
        name,
        "warn",
        "missing, or too old on the PATH",
        f"none needed: make up installs {pinned} into .tools/",
    )
