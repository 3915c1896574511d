"""Who may connect to whom where POLICIES=true: sources, destinations, and what is expected of each pair."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dev.settings import GATEWAY_NAMESPACE, MONITORING_NAMESPACE, NAMESPACE

PROBES = "llm-policies"  # the namespace of the pods that no policy selects, which is made and removed
NAME = "app.kubernetes.io/name"


@dataclass(frozen=True)
class Source:
    """Where connections come from: a workload of the platform, or a pod made with the labels of one."""

    name: str
    namespace: str
    labels: tuple[tuple[str, str], ...] = ()
    workload: str = ""

    @property
    def pod(self) -> str:
        """The name of the pod that is made for it."""
        return f"{PROBES}-{self.name.replace(' ', '-')}"


GATEWAY = Source("llm-api", NAMESPACE, workload="deployment/llm-api")
RUNTIME = Source("llm-runtime", NAMESPACE, workload="statefulset/llm-runtime")
PROMETHEUS = Source("prometheus", MONITORING_NAMESPACE, ((NAME, "prometheus"),))
MONITORING = Source("other in monitoring", MONITORING_NAMESPACE)
LOAD = Source("llm-load", NAMESPACE, ((NAME, "llm-load"),))
GATEWAY_TEST = Source(
    "llm-api-test", NAMESPACE, ((NAME, "llm-api-test"), ("app.kubernetes.io/instance", "llm-api"))
)
RUNTIME_TEST = Source(
    "llm-runtime-test", NAMESPACE, ((NAME, "llm-runtime-test"), ("app.kubernetes.io/instance", "llm-runtime"))
)
STRANGER = Source("other in llm", NAMESPACE)
OUTSIDER = Source("other namespace", PROBES)
# No rows, but pods that are connected to: one that everybody may, one that a policy denies to all.
ELSEWHERE = Source("elsewhere", PROBES)
DENIED = Source("denied", PROBES, (("probe", "denied"),))

# Destinations are sources, and:
NAMES, OUTSIDE, PUBLIC, ITSELF = "names", "outside", "public:443", "itself"
"""The cluster's DNS; the registry, which is no pod and has a private address; a public address at the port
of Ollama's models; and, as the control of each source, its own loopback."""


@dataclass(frozen=True)
class Platform:
    """What of the platform is there, which decides the rows."""

    runtime: bool = True
    metrics: bool = True  # of the runtime: Ollama has none
    monitoring: bool = True
    proxy: str = "traefik"  # of the Gateway, empty without one
    pulls: bool | None = None  # whether the runtime may pull models; None: it needs none, or nobody could


def proxy(platform: Platform) -> Source:
    """Return the row of the Gateway's proxy."""
    return Source(platform.proxy, GATEWAY_NAMESPACE, ((NAME, platform.proxy),))


def sources(platform: Platform) -> list[Source]:
    """Return the rows."""
    found = [GATEWAY]
    found += [RUNTIME] if platform.runtime else []
    found += [proxy(platform)] if platform.proxy else []
    found += [PROMETHEUS, MONITORING] if platform.monitoring else []
    found += [LOAD, GATEWAY_TEST]
    found += [RUNTIME_TEST] if platform.runtime else []
    return [*found, STRANGER, OUTSIDER]


def destinations(platform: Platform) -> list[str]:
    """Return the columns."""
    runtime = [RUNTIME.name] if platform.runtime else []
    public = [] if platform.pulls is None else [PUBLIC]
    return [GATEWAY.name, *runtime, STRANGER.name, ELSEWHERE.name, NAMES, OUTSIDE, *public, ITSELF]


def expected(platform: Platform) -> dict[tuple[str, str], bool]:
    """Return for each pair whether it connects; to no policy does a pod's way to its own address matter."""
    allowed = {
        (GATEWAY.name, RUNTIME.name),
        (platform.proxy, GATEWAY.name),
        (PROMETHEUS.name, GATEWAY.name),
        (LOAD.name, GATEWAY.name),
        (GATEWAY_TEST.name, GATEWAY.name),
        (RUNTIME_TEST.name, RUNTIME.name),
    } | {(s.name, NAMES) for s in (GATEWAY, RUNTIME, LOAD, GATEWAY_TEST, RUNTIME_TEST)}
    if platform.metrics:
        allowed.add((PROMETHEUS.name, RUNTIME.name))
    if platform.pulls:
        allowed.add((RUNTIME.name, PUBLIC))
    for source in sources(platform):
        allowed.add((source.name, ITSELF))
        if source.namespace != NAMESPACE:  # only what they reach in the platform's is restricted
            allowed |= {(source.name, there) for there in (ELSEWHERE.name, NAMES, OUTSIDE, PUBLIC)}
    return {
        (source.name, there): (source.name, there) in allowed
        for source in sources(platform)
        for there in destinations(platform)
        if source.name != there
    }


def wrong(wanted: Mapping[tuple[str, str], bool], seen: Mapping[tuple[str, str], bool]) -> Iterator[str]:
    """Yield a line for each cell that is not as expected."""
    for (source, there), allowed in wanted.items():
        if (source, there) not in seen:
            yield f"FAIL  {source} -> {there}: not tried"
        elif seen[source, there] != allowed:
            what = "connects, and must not" if seen[source, there] else "does not connect, and must"
            yield f"FAIL  {source} -> {there}: {what}"


def table(
    rows: Sequence[str],
    columns: Sequence[str],
    wanted: Mapping[tuple[str, str], bool],
    seen: Mapping[tuple[str, str], bool],
) -> list[str]:
    """Return what was seen as lines; a cell that is wrong has an exclamation mark."""
    width = max(map(len, rows))
    lines = [" " * width + "".join(f"  {name:>15}" for name in columns)]
    for row in rows:
        cells = (cell(wanted.get((row, there)), seen.get((row, there))) for there in columns)
        lines.append(f"{row:<{width}}" + "".join(f"  {text:>15}" for text in cells))
    return lines


def cell(wanted: bool | None, seen: bool | None) -> str:
    """Return the text of a cell."""
    if wanted is None:
        return ""
    return ("?" if seen is None else "yes" if seen else "no") + ("" if wanted == seen else "!")
