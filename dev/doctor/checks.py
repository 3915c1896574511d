"""What `make up` wants of a machine: each check is a line, and each failure says its fix.

The judges are pure: facts in, a Check out. dev/probe.py gathers the facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from dev.up.cluster import CONTEXT

GIB = 1024**3
LOOPBACK = {"127.0.0.1", "localhost", "::1", "0.0.0.0"}  # noqa: S104 - what kind writes, not what we bind
WATCHES, INSTANCES = 524288, 512  # what kind advises
FEWEST_WATCHES, FEWEST_INSTANCES = 65536, 128


@dataclass(frozen=True)
class Check:
    """One finding. `fix` is set on everything that is not ok."""

    name: str
    state: Literal["ok", "warn", "FAIL"]
    says: str
    fix: str = ""

    def __str__(self) -> str:
        """The finding as one line, its fix as lines of its own."""
        line = f"{self.state:<4}  {self.name:<9} {self.says}"
        return line + "".join(
            f"\n        {'fix: ' if n == 0 else '     '}{part}" for n, part in self._fix_lines()
        )

    def _fix_lines(self) -> list[tuple[int, str]]:
        return list(enumerate(self.fix.splitlines()))


def engine(ready: bool, says: str) -> Check:
    """A container engine has to answer."""
    if ready:
        return Check("engine", "ok", says)
    return Check(
        "engine",
        "FAIL",
        says,
        "start Docker (systemctl start docker, or Docker Desktop), or install it: https://docs.docker.com/engine/install\n"
        "or use the platform without containers: make local",
    )


def memory(available: float | None, needed: float, advised: float, whose: str) -> Check:
    """Memory in bytes against what is needed and advised, in GiB."""
    if available is None:
        return Check(
            "memory", "warn", f"{whose} does not tell its memory", f"see that {advised:g} GiB are there"
        )
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
            "or start less: make up MONITORING=false RUNTIME=embedded; with no cluster at all: make local"
        )
    return "close other programs, or run without weights: make local RUNTIME_ENGINE=simulated"


def processors(count: int) -> Check:
    """Two processors are the least that the platform's requests fit."""
    if count >= 2:
        return Check("cpu", "ok", f"{count} processors")
    return Check(
        "cpu",
        "warn",
        f"{count} processor; the platform's requests are made for 2",
        "give Docker more (Docker Desktop: Settings, Resources, CPUs), or: make up MONITORING=false",
    )


def disk(free: int, folder: str, needed: float, advised: float) -> Check:
    """Free bytes where images (or the environment) lie, against GiB needed and advised."""
    has = f"{free / GIB:.1f} GiB are free in {folder}"
    if free < needed * GIB:
        return Check("disk", "FAIL", f"{has}, {needed:g} GiB are needed", "free some: docker system prune")
    if free < advised * GIB:
        return Check("disk", "warn", f"{has}, {advised:g} GiB are advised", "free some: docker system prune")
    return Check("disk", "ok", has)


def inotify(limits: tuple[int, int] | None) -> Check:
    """kind and Tilt watch many files; too low a limit shows as "too many open files" in pods."""
    if limits is None:
        return Check("inotify", "ok", "this system has no inotify limits")
    watches, instances = limits
    says = f"max_user_watches {watches}, max_user_instances {instances}"
    if watches >= WATCHES and instances >= INSTANCES:
        return Check("inotify", "ok", says)
    low = watches < FEWEST_WATCHES or instances < FEWEST_INSTANCES
    return Check(
        "inotify",
        "FAIL" if low else "warn",
        f"{says}; kind advises {WATCHES} and {INSTANCES}",
        f"sudo sysctl fs.inotify.max_user_watches={WATCHES} fs.inotify.max_user_instances={INSTANCES}\n"
        "(to keep it: the same two lines in /etc/sysctl.d/99-kind.conf)",
    )


def port(number: int, use: str, holder: str | None, setting: str = "") -> Check:
    """A port that something is to listen on; `holder` is None where it is free."""
    name = f"port {number}"
    if holder is None:
        return Check(name, "ok", f"free ({use})")
    by = f" by {holder}" if holder else ""
    other = f",\nor choose another: {setting}={number + 1}" if setting else ""
    find = "" if holder else f" (lsof -i :{number} tells which)"
    return Check(name, "FAIL", f"taken{by}; wanted for {use}", f"stop that program{find}{other}")


def context(config: Mapping[str, Any] | None) -> Check:
    """The context kind-llm is free, or leads to this machine; no other context is ever used."""
    if config is None:
        return Check("context", "ok", f"no kubeconfig yet; {CONTEXT} will be made")
    contexts = {c["name"]: c["context"] for c in config.get("contexts") or []}
    current = config.get("current-context") or "none"
    if CONTEXT not in contexts:
        return Check("context", "ok", f"{CONTEXT} will be made and become current (now: {current})")
    servers = {c["name"]: c["cluster"].get("server", "") for c in config.get("clusters") or []}
    server = servers.get(contexts[CONTEXT].get("cluster", ""), "")
    if urlsplit(server).hostname in LOOPBACK:
        return Check("context", "ok", f"{CONTEXT} leads to {server}")
    return Check(
        "context",
        "FAIL",
        f"{CONTEXT} leads to {server or 'nowhere'}, which is not this machine",
        f"this name is the local cluster's; rename yours: kubectl config rename-context {CONTEXT} OTHER-NAME",
    )


def tool(name: str, found: str | None, pinned: str) -> Check:
    """A tool is there, or `make up` will install it."""
    if found:
        return Check(name, "ok", found)
    return Check(
        name,
        "warn",
        "missing, or too old on the PATH",
        f"none needed: make up installs {pinned} into .tools/",
    )
