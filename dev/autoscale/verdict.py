"""Judges a timeline: did both autoscalers act, go back, and cost no request. Pure."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from dev.autoscale.timeline import WORKLOADS, Scaler, Timeline

CALM_SECONDS = 300.0  # within which an autoscaler may change its mind once
PEAKS = {"llm-api": "more than 1", "llm-runtime": "2"}
SERVER = (
    "metrics-server, or the pods' own CPU requests, are missing: kubectl --context kind-llm top pods -n llm"
)
KEDA = "KEDA or Prometheus do not answer: kubectl --context kind-llm get scaledobject -n llm"


@dataclass(frozen=True)
class Finding:
    """One demand of the proof, whether it was met, and what was seen."""

    demand: str
    ok: bool
    says: str

    def __str__(self) -> str:
        """The finding as a line."""
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.demand}: {self.says}"


def judge(timeline: Timeline) -> list[Finding]:
    """Every demand, met or not."""
    found = []
    for workload in WORKLOADS:
        found += [rose(timeline, workload), returned(timeline, workload), calm(timeline, workload)]
    return [*found, unharmed(timeline)]


def obstacle(scaler: Scaler | None) -> str:
    """What keeps an autoscaler from acting at all; empty when nothing does."""
    if scaler is None:
        return "it has no autoscaler: autoscaling.mode is none"
    if scaler.maximum < 2:
        return f"its maximum is {scaler.maximum}: autoscaling.maxReplicas"
    if scaler.inactive:
        return f"its metric is unknown ({scaler.inactive}). {KEDA if scaler.kind == 'queue' else SERVER}"
    return ""


def rose(timeline: Timeline, workload: str) -> Finding:
    """From 1 replica to more, and the new ones got ready."""
    demand = f"{workload} goes from 1 to {PEAKS[workload]}"
    points = timeline.of(workload)
    if not points:
        return Finding(demand, False, obstacle(None))
    first, peak = points[0][1].replicas, max(s.replicas for _, s in points)
    ready = next((at for at, s in points if s.ready > 1), None)
    if first != 1:
        return Finding(demand, False, f"it began with {first} replicas: let it settle first")
    if peak > 1 and ready is not None:
        told = next(at for at, s in points if s.replicas > 1)
        says = f"1 to {peak}; told after {told - timeline.ramp:.0f} s of rising load, ready after"
        return Finding(demand, True, f"{says} {ready - timeline.ramp:.0f} s")
    if peak > 1:
        return Finding(demand, False, f"told to have {peak}, but only 1 got ready: kubectl describe its pods")
    return Finding(demand, False, f"it stayed at 1: {_why_it_stayed(points)}")


def _why_it_stayed(points: Sequence[tuple[float, Scaler]]) -> str:
    scalers = [s for _, s in points]
    blocked = [reason for s in scalers if (reason := obstacle(s))]
    known = [s.metric for s in scalers if s.metric is not None]
    if blocked and (scalers[-1].inactive or len(blocked) * 2 > len(scalers) or not known):
        return blocked[-1]
    if not known:
        return "its metric was never known"
    last = scalers[-1]
    unit = "%" if last.kind == "cpu" else " requests"
    hint = "a higher --rate; a simulated runtime burns no CPU" if last.kind == "cpu" else "a higher --rate"
    return f"its metric reached {max(known):.0f}{unit} of a target of {last.target:.0f}{unit}: {hint}"


def returned(timeline: Timeline, workload: str) -> Finding:
    """Back at its minimum at the end."""
    demand = f"{workload} goes back"
    points = timeline.of(workload)
    if not points or max(s.replicas for _, s in points) < 2:
        return Finding(demand, False, "it never rose")
    last = points[-1][1]
    if last.replicas > last.minimum:
        known = "unknown" if last.metric is None else f"{last.metric:.0f} of {last.target:.0f}"
        waited = points[-1][0] - timeline.falls
        why = last.inactive or "a shorter autoscaling.behavior.scaleDown.stabilizationWindowSeconds?"
        says = f"still {last.replicas} replicas {waited:.0f} s after the load, its metric at {known}: {why}"
        return Finding(demand, False, says)
    back = next(at for at, s in reversed(points) if s.replicas > last.minimum)
    return Finding(
        demand, True, f"at {last.replicas} again {max(0.0, back - timeline.falls):.0f} s after the load"
    )


def turns(points: Sequence[tuple[float, Scaler]]) -> list[float]:
    """When the number of replicas changed its direction: up after down, or down after up."""
    found, before = [], 0
    for (_, old), (at, new) in itertools.pairwise(points):
        direction = (new.replicas > old.replicas) - (new.replicas < old.replicas)
        if direction and before and direction != before:
            found.append(at)
        before = direction or before
    return found


def calm(timeline: Timeline, workload: str) -> Finding:
    """At most one change of mind within any five minutes."""
    demand = f"{workload} changes its mind at most once in 5 minutes"
    times = turns(timeline.of(workload))
    for earlier, later in itertools.pairwise(times):
        if later - earlier <= CALM_SECONDS:
            says = f"at {earlier:.0f} s and again at {later:.0f} s: a longer scaleDown window"
            return Finding(demand, False, says)
    return Finding(demand, True, f"{len(times)} in all")


def unharmed(timeline: Timeline) -> Finding:
    """No request failed, and some were answered while replicas went away."""
    demand = "no request fails while scaling down"
    start = timeline.falls
    late = [r for r in timeline.requests if timeline.since(r)[1] >= start]
    failed = [r for r in timeline.requests if r.outcome == "failed"]
    answered = sum(r.outcome == "ok" for r in late)
    if failed:
        down = sum(r in late for r in failed)
        says = f"{down} failed then, {len(failed) - down} before; the first: status {failed[0].status},"
        return Finding(demand, False, f"{says} {failed[0].error or 'no reason given'}")
    if not answered:
        return Finding(demand, False, "none was answered then: nothing is proven")
    return Finding(demand, True, f"{answered} answered then, of {len(timeline.requests)} in all none failed")
