"""Judge a soak: the gateway has not grown, and its metrics account for every request that clients counted."""

from collections import Counter
from collections.abc import Iterable, Mapping

from dev.autoscale.verdict import Finding
from dev.fault.calls import Call

OUTCOMES = {"queue_full": "rejected", "rate_limit_exceeded": "rejected", "timeout": "timeout"}
"""The outcome that the gateway counts, by the code that clients see; of all other codes it is `error`."""
LOST = ("refused", "unreachable", "reset", "hang")
MIB = 2**20
GROWTH = {
    "memory": 16 * MIB,  # a heap that has been used is not given back whole
    "file descriptors": 4,  # connections to the runtime, and Prometheus' own
    "tasks": 4,
    "connections": 2,
}
"""By how much each may be larger than before, with nothing in flight."""


def outcome(call: Call) -> str:
    """Return what the gateway should have counted a call as; `lost` if it cannot have told the client."""
    if call.ok:
        return "ok"
    if call.cut or call.code in LOST:
        return "lost"
    return OUTCOMES.get(call.code, "error")


def judge(
    calls: Iterable[Call],
    counted: Mapping[str, float],
    before: Mapping[str, float],
    after: Mapping[str, float],
) -> list[Finding]:
    """Return a finding for every claim.

    Args:
        calls: What became of each request, as its client saw it.
        counted: By how much the gateway's counter of each outcome grew.
        before: What the gateway used before, without a request in flight.
        after: The same, after it.
    """
    seen = Counter(map(outcome, calls))
    found = [Finding("no request is lost", bool(seen) and not seen["lost"], f"{seen.total()} requests")]
    for name in sorted(({*seen, *counted} | {"ok"}) - {"lost"}):
        clients, gateway = seen[name], round(counted.get(name, 0))
        detail = f"{clients} by the clients, {gateway} by the gateway"
        found.append(Finding(f"{name}: both sides count the same", clients == gateway, detail))
    return found + [growth(name, before.get(name), after.get(name)) for name in GROWTH]


def growth(name: str, before: float | None, after: float | None) -> Finding:
    """Check that the gateway uses no more of something than before."""
    claim = f"{name}: no growth"
    if before is None or after is None:
        return Finding(claim, False, "unknown: nothing was scraped")
    unit = MIB if name == "memory" else 1
    shown = f"{before / unit:.0f} before, {after / unit:.0f} after{' (MiB)' * (unit == MIB)}"
    return Finding(claim, after - before <= GROWTH[name], shown)
