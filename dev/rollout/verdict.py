"""Judge a rollout: every request was answered whole, or was told when to come back."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dev.autoscale.verdict import Finding
from dev.load.output import Request

KINDS = ("stream, kept", "stream, new", "call, kept", "call, new")
TIMED_OUT = "request timeout"  # k6's error for a request that got no answer within its 130 s
MOST_REJECTED = 0.5  # of the requests of a kind: with more, hardly any was in flight during a restart


@dataclass(frozen=True)
class Restart:
    """One rolling restart; times in seconds since 1970. `problem` says why it did not complete."""

    workload: str
    began: float
    ended: float
    problem: str = ""
    new_image: bool = False


def judge(
    restarts: Sequence[Restart], ended: Sequence[Request], still_open: Mapping[str, int], problem: str = ""
) -> list[Finding]:
    """Return a finding for every claim.

    Args:
        restarts: In their order.
        ended: The requests that have ended.
        still_open: Of each kind, how many have not, long after the last restart.
        problem: Why the load ended early, if it did.
    """
    found = [Finding("the load lasts", not problem, problem or f"{len(ended)} requests")]
    for workload, new_image in dict.fromkeys((r.workload, r.new_image) for r in restarts):
        found.append(completed([r for r in restarts if (r.workload, r.new_image) == (workload, new_image)]))
    return found + [
        finding(kind, [r for r in ended if r.kind == kind], still_open.get(kind, 0), restarts)
        for kind in KINDS
    ]


def completed(restarts: Sequence[Restart]) -> Finding:
    """Check that a workload's restarts completed."""
    what = "gets another image" if restarts[0].new_image else f"restarts {len(restarts)} times"
    claim = f"{restarts[0].workload} {what}"
    seconds = ", ".join(f"{restart.ended - restart.began:.0f}" for restart in restarts)
    problems = [restart.problem for restart in restarts if restart.problem]
    return Finding(claim, not problems, problems[0] if problems else f"in {seconds} s")


def finding(kind: str, ended: Sequence[Request], hung: int, restarts: Sequence[Restart]) -> Finding:
    """Check that no request of a kind was lost."""
    lost = {"failed": 0, "truncated": 0, "hung": hung} | Counter(filter(None, map(fate, ended)))
    ok, rejected = (sum(r.outcome == outcome for r in ended) for outcome in ("ok", "rejected"))
    counts = ", ".join(f"{count} {name}" for name, count in lost.items())
    counts = f"{ok} answered, {rejected} rejected, {counts}"
    claim = f"{kind}: none is lost"
    if sum(lost.values()):
        return Finding(claim, False, f"{counts}; {_first(ended, restarts)}")
    for restart in restarts:
        if not any(r.outcome == "ok" and restart.began <= r.ended <= restart.ended for r in ended):
            during = f"the restart of {restart.workload} at {_since(restarts, restart.began)}"
            return Finding(claim, False, f"{counts}; none was answered during {during}, which proves nothing")
    if rejected > MOST_REJECTED * len(ended):
        fix = "raise settings.maxRunning and settings.maxWaiting of llm-api, or lower --streams"
        return Finding(claim, False, f"{counts}: too many rejected to prove anything; {fix}")
    return Finding(claim, True, counts)


def fate(request: Request) -> str:
    """Return how a request was lost: failed, truncated or hung; empty if it was not."""
    if request.outcome != "failed":
        return ""
    if TIMED_OUT in request.error:
        return "hung"
    return "truncated" if request.status == 200 else "failed"


def _first(ended: Sequence[Request], restarts: Sequence[Restart]) -> str:
    lost = [request for request in ended if fate(request)]
    if not lost:
        return "no answer came at all"
    request = min(lost, key=lambda r: r.ended)
    during = [r.workload for r in restarts if r.began <= request.ended <= r.ended]
    when = f"{_since(restarts, request.ended)}, " + (
        f"while {during[0]} restarted" if during else "between restarts"
    )
    return f"the first at {when}: status {request.status}, {request.error or 'no reason given'}"


def _since(restarts: Sequence[Restart], at: float) -> str:
    return f"{at - restarts[0].began:.0f} s" if restarts else "an unknown time"
