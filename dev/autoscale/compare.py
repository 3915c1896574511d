"""Sets the numbers of runs side by side, as the table of docs/autoscaling.md. Pure."""

from collections.abc import Callable, Sequence

from dev.autoscale.timeline import WORKLOADS, Timeline, replica_seconds
from dev.autoscale.verdict import judge
from dev.load.lines import quantile


def reaction(timeline: Timeline, workload: str, *, ready: bool) -> float | None:
    """Seconds of rising load until the workload was told to grow, or until a new replica was ready."""
    for at, scaler in timeline.of(workload):
        if (scaler.ready if ready else scaler.replicas) > 1:
            return at - timeline.ramp
    return None


def recovery(timeline: Timeline, workload: str) -> float | None:
    """Seconds after the load until the workload was told to be at its minimum; None if it never was."""
    points = timeline.of(workload)
    if not points or points[-1][1].replicas > points[-1][1].minimum:
        return None
    above = [at for at, s in points if s.replicas > s.minimum]
    return max(0.0, above[-1] - timeline.falls) if above else None


def peak_p95(timeline: Timeline) -> float | None:
    """The highest P95 of ten seconds that a sample saw, in seconds."""
    return max((s.p95 for s in timeline.samples if s.p95 is not None), default=None)


def during(timeline: Timeline, outcome: str) -> int:
    """Requests of that outcome that were sent while the load was up."""
    return sum(
        r.outcome == outcome and timeline.ramp <= timeline.since(r)[0] < timeline.falls
        for r in timeline.requests
    )


def ttft_p95(timeline: Timeline) -> float | None:
    """P95 of the time to the first token while the load was up, in seconds."""
    loaded = [r for r in timeline.requests if timeline.ramp <= timeline.since(r)[0] < timeline.falls]
    return quantile((r.ttft for r in loaded if r.ttft is not None), 0.95)


def rows(timeline: Timeline, end: float) -> list[tuple[str, str]]:
    """Name and value of every number; replica-seconds run from the ramp to `end`."""
    loaded = timeline.falls - timeline.ramp
    found = [("verdict", "passes" if all(f.ok for f in judge(timeline)) else "FAILS")]
    for name in WORKLOADS:
        points = timeline.of(name)
        found += [
            (f"{name}: told to grow after", _text(reaction(timeline, name, ready=False), " s")),
            (f"{name}: new replica ready after", _text(reaction(timeline, name, ready=True), " s")),
            (f"{name}: most replicas", str(max((s.replicas for _, s in points), default=0))),
            (f"{name}: back after the load", _text(recovery(timeline, name), " s")),
            (f"{name}: replica-seconds", f"{replica_seconds(points, timeline.ramp, end):.0f}"),
        ]
    return [
        *found,
        ("peak P95 of 10 s", _text(peak_p95(timeline), " s", 2)),
        ("P95 to the first token, load up", _text(ttft_p95(timeline), " s", 2)),
        ("answers per second, load up", f"{during(timeline, 'ok') / loaded:.2f}"),
        ("refused, load up", str(during(timeline, "refused"))),
        ("failed, whole run", str(sum(r.outcome == "failed" for r in timeline.requests))),
    ]


def table(timelines: Sequence[Timeline]) -> str:
    """A Markdown table, a column for each timeline; all get the same length of time for replica-seconds.

    Raises:
        ValueError: their loads differ, so that their numbers say nothing about each other.
    """
    if len({tuple(sorted(t.settings.items())) for t in timelines}) > 1:
        raise ValueError(
            "the runs had different loads: " + "; ".join(str(dict(t.settings)) for t in timelines)
        )
    end = max((t.samples[-1].at for t in timelines if t.samples), default=0.0)
    columns = [dict(rows(t, end)) for t in timelines]
    line: Callable[[Sequence[str]], str] = lambda cells: "| " + " | ".join(cells) + " |"  # noqa: E731
    return "\n".join(
        [
            line(["", *(t.mode or "none" for t in timelines)]),
            line(["---"] * (len(timelines) + 1)),
            *(line([name, *(c[name] for c in columns)]) for name in columns[0]),
        ]
    )


def _text(value: float | None, unit: str, digits: int = 0) -> str:
    return "never" if value is None else f"{value:.{digits}f}{unit}"
