"""Compare the numbers of several runs, as the table in docs/autoscaling.md."""

from collections.abc import Sequence

from dev.autoscale.timeline import Timeline, replica_seconds
from dev.autoscale.verdict import judge
from dev.load.output import Request, quantile
from dev.settings import WORKLOADS


def reaction(timeline: Timeline, workload: str, *, ready: bool) -> float | None:
    """Return the seconds of rising load until more replicas were desired, or until a new one was ready."""
    for at, scaler in timeline.of(workload):
        if (scaler.ready if ready else scaler.replicas) > 1:
            return at - timeline.load_starts
    return None


def recovery(timeline: Timeline, workload: str) -> float | None:
    """Return the seconds after the load until the minimum was desired again; None if it never was."""
    points = timeline.of(workload)
    if not points or points[-1][1].replicas > points[-1][1].minimum:
        return None
    above = [at for at, s in points if s.replicas > s.minimum]
    return max(0.0, above[-1] - timeline.load_ends) if above else None


def under_load(timeline: Timeline) -> list[Request]:
    """Return the requests that were sent while the load was up."""
    start, end = timeline.load_starts, timeline.load_ends
    return [r for r in timeline.requests if start <= timeline.since(r)[0] < end]


def rows(timeline: Timeline, end: float) -> list[tuple[str, str]]:
    """Return name and value of each number; replica-seconds count from the start of the load to `end`."""
    found = [("verdict", "passes" if all(f.ok for f in judge(timeline)) else "FAILS")]
    for name in WORKLOADS:
        points = timeline.of(name)
        seconds = replica_seconds(points, timeline.load_starts, end)
        found += [
            (f"{name}: scale-up decided after", _text(reaction(timeline, name, ready=False), " s")),
            (f"{name}: new replica ready after", _text(reaction(timeline, name, ready=True), " s")),
            (f"{name}: most replicas", str(max((s.replicas for _, s in points), default=0))),
            (f"{name}: scaled down after the load", _text(recovery(timeline, name), " s")),
            (f"{name}: replica-seconds", f"{seconds:.0f}"),
        ]
    requests = under_load(timeline)
    answered = sum(r.outcome == "ok" for r in requests) / (timeline.load_ends - timeline.load_starts)
    ttft = quantile((r.ttft for r in requests if r.ttft is not None), 0.95)
    peak = max((s.p95 for s in timeline.samples if s.p95 is not None), default=None)
    return [
        *found,
        ("peak P95 over 10 s", _text(peak, " s", 2)),
        ("P95 time to first token, under load", _text(ttft, " s", 2)),
        ("answers per second, under load", f"{answered:.2f}"),
        ("rejected, under load", str(sum(r.outcome == "rejected" for r in requests))),
        ("failed, whole run", str(sum(r.outcome == "failed" for r in timeline.requests))),
    ]


def table(timelines: Sequence[Timeline]) -> str:
    """Return a Markdown table with a column for each timeline; all count replica-seconds to the same end.

    Raises:
        ValueError: their loads differ, which makes their numbers incomparable.
    """
    if len({tuple(sorted(t.settings.items())) for t in timelines}) > 1:
        raise ValueError(
            "the runs had different loads: " + "; ".join(str(dict(t.settings)) for t in timelines)
        )
    end = max((t.samples[-1].at for t in timelines if t.samples), default=0.0)
    columns = [dict(rows(t, end)) for t in timelines]
    lines = [["", *(t.mode or "none" for t in timelines)], ["---"] * (len(timelines) + 1)]
    lines += [[name, *(column[name] for column in columns)] for name in columns[0]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _text(value: float | None, unit: str, digits: int = 0) -> str:
    return "never" if value is None else f"{value:.{digits}f}{unit}"
