"""The drill's table of figures, in Markdown."""

from collections.abc import Sequence

from dev.fault.timeline import Timeline

HEAD = (
    "| Fault | Alert | Detected after | Resolved after | Recovered after | Calls | Affected | Verdict |",
    "|---|---|---|---|---|---|---|---|",
)


def table(runs: Sequence[tuple[Timeline, bool]]) -> str:
    """Return a row for each run; times in seconds, since the fault's begin (detected) or its end."""
    return "\n".join((*HEAD, *(row(timeline, ok) for timeline, ok in runs)))


def row(timeline: Timeline, ok: bool) -> str:
    """Return the figures of a run."""
    fired, resolved, good = timeline.fired(), timeline.resolved(), timeline.recovered()
    cells = [
        timeline.fault.name,
        timeline.fault.alert or "none",
        _seconds(fired, timeline.injected),
        _seconds(resolved, timeline.ended),
        _seconds(good, timeline.ended),
        str(len(timeline.calls)),
        str(len(timeline.affected())),
        "ok" if ok else "failed",
    ]
    return f"| {' | '.join(cells)} |"


def _seconds(at: float | None, since: float) -> str:
    return "-" if at is None else f"{at - since:.1f} s"
