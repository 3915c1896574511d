"""Judge what became of the requests while a node was drained, and after it was killed."""

from collections import Counter
from collections.abc import Mapping, Sequence

from dev.autoscale.verdict import Finding
from dev.load.output import Request
from dev.rollout.verdict import KINDS, Restart, finding


def drained(
    drain: Restart, ended: Sequence[Request], still_open: Mapping[str, int], problem: str = ""
) -> list[Finding]:
    """Return the findings of a drain: it ends, and no request is lost.

    Args:
        drain: When it was, and why it did not complete, if so.
        ended: The requests that have ended.
        still_open: Of each kind, how many have not.
        problem: Why the load ended early, if it did.
    """
    seconds = f"{drain.ended - drain.began:.0f} s"
    found = [
        Finding("a drain ends under load", not drain.problem, drain.problem or seconds),
        Finding("the load lasts", not problem, problem or f"{len(ended)} requests"),
    ]
    return found + [
        finding(kind, [r for r in ended if r.kind == kind], still_open.get(kind, 0), [drain])
        for kind in KINDS
    ]


def survived(
    killed: float, whole: float, ended: Sequence[Request], still_open: Mapping[str, int], problem: str = ""
) -> list[Finding]:
    """Return the findings of a death: others are answered meanwhile, and none is lost once it is whole.

    Args:
        killed: When the node was killed.
        whole: When the gateway was whole again.
        ended: The requests that have ended.
        still_open: Of each kind, how many have not.
        problem: Why the load ended early, if it did.
    """
    after = [r for r in ended if r.ended >= killed]
    failed = [r for r in after if r.outcome == "failed"]
    meanwhile = sum(r.outcome == "ok" and r.at >= killed and r.ended <= whole for r in after)
    later = [r for r in failed if r.at >= whole]
    # Which no replica could answer: the network still led them to the node that is gone.
    astray = [r for r in later if r.status == 0 and r.error.startswith("dial:")]
    lost = [r for r in later if r not in astray]
    last = max((r.at for r in failed), default=killed) - killed
    counts = f"{len(failed)} failed, the last of them sent after {last:.0f} s"
    return [
        Finding("the load lasts", not problem, problem or f"{len(after)} requests since the node died"),
        Finding(
            "the rest goes on", meanwhile > 0, f"{meanwhile} sent and answered before all was whole; {counts}"
        ),
        Finding("what was lost is told", all(r.error for r in failed), told(failed) or "nothing was lost"),
        Finding(
            "no request is left hanging", not sum(still_open.values()), f"{sum(still_open.values())} are open"
        ),
        Finding("once it is whole, none that reaches it is lost", not lost, after_all(lost, astray, killed)),
    ]


def after_all(lost: Sequence[Request], astray: Sequence[Request], killed: float) -> str:
    """Return what failed of the requests that were sent once all was whole."""
    kinds = (lost, "failed"), (astray, "found no way")
    found = [f"{len(some)} {what}, {when(some, killed)}: {told(some)}" for some, what in kinds if some]
    return "; ".join(found) or "none failed"


def told(failed: Sequence[Request]) -> str:
    """Return the commonest reasons, and how often each was given."""
    reasons = Counter(f"{r.status} {r.error or 'no reason'}"[:90] for r in failed)
    return ", ".join(f"{count} x {reason}" for reason, count in reasons.most_common(4))


def when(failed: Sequence[Request], killed: float) -> str:
    """Return when requests were sent, and when the last of them ended, in seconds from the death."""
    sent, ended = [r.at - killed for r in failed], max(r.ended for r in failed) - killed
    return f"{min(sent):.1f} to {max(sent):.1f} s after the death, until {ended:.1f} s"
