"""Tries the connections of the matrix."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from dev import FixableError
from dev.doctor import probe
from dev.policies import matrix, pods
from dev.policies.matrix import (
    ELSEWHERE,
    GATEWAY,
    ITSELF,
    NAMES,
    OUTSIDE,
    PUBLIC,
    RUNTIME,
    STRANGER,
    Platform,
)
from dev.settings import API_PORT, NAMESPACE, REGISTRY, RUNTIME_PORT

SETTLED_SECONDS = 60  # until the policies of the pods just made count
PARALLEL = 4
PUBLIC_ADDRESS = "1.1.1.1:443"  # of a public resolver, which answers there too


def targets(found: Platform) -> dict[str, str]:
    """Return what is connected to for each destination.

    Raises:
        FixableError: one of them is not there.
    """
    runtime = {RUNTIME.name: pods.ready_address(RUNTIME.name, RUNTIME_PORT)} if found.runtime else {}
    public = {} if found.pulls is None else {PUBLIC: PUBLIC_ADDRESS}
    return {
        GATEWAY.name: pods.ready_address(GATEWAY.name, API_PORT),
        STRANGER.name: pods.address(STRANGER),
        ELSEWHERE.name: pods.address(ELSEWHERE),
        NAMES: f"llm-api.{NAMESPACE}.svc.cluster.local",
        OUTSIDE: f"{registry()}:5000",
    } | (runtime | public)


def registry() -> str:
    """Return the address of the registry, which is outside the cluster and near it.

    Raises:
        FixableError: it is not in the cluster's network.
    """
    ask = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
    _, shown, problem = probe.run("docker", "inspect", "--format", ask, REGISTRY)
    if not shown.split():
        raise FixableError(f"the registry {REGISTRY} has no address: {problem}", "make up creates it")
    return shown.split()[-1]


def itself(source: matrix.Source) -> str:
    """Return where a source listens itself."""
    ports = {GATEWAY: API_PORT, RUNTIME: RUNTIME_PORT}
    return f"127.0.0.1:{ports.get(source, pods.PORT)}"


def look(found: Platform) -> dict[tuple[str, str], bool]:
    """Try every connection once.

    Raises:
        FixableError: the connections of a source could not be tried.
    """
    there = targets(found)

    def row(source: matrix.Source) -> dict[tuple[str, str], bool]:
        wanted = {name: address for name, address in there.items() if name != source.name}
        wanted[ITSELF] = itself(source)
        reached = pods.reach(source, list(wanted.values()))
        return {(source.name, name): reached[address] for name, address in wanted.items()}

    seen: dict[tuple[str, str], bool] = {}
    with ThreadPoolExecutor(PARALLEL) as pool:
        for cells in pool.map(row, matrix.sources(found)):
            seen |= cells
    return seen


def settled(
    found: Platform, wanted: Mapping[tuple[str, str], bool], seconds: float = SETTLED_SECONDS
) -> dict[tuple[str, str], bool]:
    """Try every connection until all are as they must be, or until this time is over; return the last look.

    Raises:
        FixableError: connections could not be tried.
    """
    deadline = time.monotonic() + seconds
    while True:
        seen = look(found)
        if not list(matrix.wrong(wanted, seen)) or time.monotonic() > deadline:
            return seen
