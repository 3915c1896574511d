"""Judge a timeline: both autoscalers scaled up and down again, and no request failed."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from dev.autoscale.timeline import Scaler, Timeline
from dev.settings import CONTEXT, NAMESPACE, WORKLOADS

REVERSAL_SECONDS = 300.0  # within which an autoscaler may reverse once
PEAKS = {"llm-api": "more than 1", "llm-runtime": "2"}
KUBECTL = f"kubectl --context {CONTEXT} -n {NAMESPACE}"
SERVER = f"metrics-server, or the pods' own CPU requests, are missing: {KUBECTL} top pods"
KEDA = f"KEDA or Prometheus does not answer: {KUBECTL} get scaledobject"


@dataclass(frozen=True)
class Finding:
    """A claim of the proof, whether it holds, and what was seen."""

    claim: str
    ok: bool
    detail: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.claim}: {self.detail}"


def judge(timeline: Timeline) -> list[Finding]:
    """Return a finding for every claim."""
    found = []
    for workload in WORKLOADS:
        found += [scaled_up(timeline, workload), scaled_down(timeline, workload), stable(timeline, workload)]
    return [*found, none_failed(timeline)]


def obstacle(scaler: Scaler | None) -> str:
    """Return what keeps an autoscaler from acting at all; empty if nothing does."""
    if scaler is None:
        return "it has no autoscaler: autoscaling.mode is none"
    if scaler.maximum < 2:
        return f"its maximum is {scaler.maximum}: autoscaling.maxReplicas"
    if scaler.inactive:
        return f"its metric is unknown ({scaler.inactive}). {KEDA if scaler.kind == 'queue' else SERVER}"
    return ""


def scaled_up(timeline: Timeline, workload: str) -> Finding:
    """Check that it went from 1 replica to more, and that these became ready."""
    claim = f"{workload} goes from 1 to {PEAKS[workload]}"
    points = timeline.of(workload)
    if not points:
        return Finding(claim, False, obstacle(None))
    first, peak = points[0][1].replicas, max(s.replicas for _, s in points)
    ready = next((at for at, s in points if s.ready > 1), None)
    if first != 1:
        return Finding(claim, False, f"it started with {first} replicas: wait until it has scaled down")
    if peak > 1 and ready is not None:
        scaled = next(at for at, s in points if s.replicas > 1)
        after = [f"{at - timeline.load_starts:.0f} s" for at in (scaled, ready)]
        return Finding(claim, True, f"1 to {peak}, after {after[0]} of load; ready after {after[1]}")
    if peak > 1:
        return Finding(claim, False, f"{peak} were desired, but only 1 became ready: {KUBECTL} describe pods")
    return Finding(claim, False, f"it stayed at 1: {_why_it_stayed(points)}")


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


def scaled_down(timeline: Timeline, workload: str) -> Finding:
    """Check that it was back at its minimum at the end."""
    claim = f"{workload} goes back to its minimum"
    points = timeline.of(workload)
    if not points or max(s.replicas for _, s in points) < 2:
        return Finding(claim, False, "it never scaled up")
    last = points[-1][1]
    if last.replicas > last.minimum:
        known = "unknown" if last.metric is None else f"{last.metric:.0f} of {last.target:.0f}"
        waited = points[-1][0] - timeline.load_ends
        why = last.inactive or "shorten autoscaling.behavior.scaleDown.stabilizationWindowSeconds"
        detail = f"still {last.replicas} replicas {waited:.0f} s after the load, its metric at {known}: {why}"
        return Finding(claim, False, detail)
    back = next(at for at, s in reversed(points) if s.replicas > last.minimum)
    after = max(0.0, back - timeline.load_ends)
    return Finding(claim, True, f"back at {last.replicas}, {after:.0f} s after the load")


def reversals(points: Sequence[tuple[float, Scaler]]) -> list[float]:
    """Return when the number of replicas reversed: up after down, or down after up."""
    found, before = [], 0
    for (_, old), (at, new) in itertools.pairwise(points):
        direction = (new.replicas > old.replicas) - (new.replicas < old.replicas)
        if direction and before and direction != before:
            found.append(at)
        before = direction or before
    return found


def stable(timeline: Timeline, workload: str) -> Finding:
    """Check that it reversed at most once within any five minutes."""
    claim = f"{workload} reverses at most once in 5 minutes"
    times = reversals(timeline.of(workload))
    for earlier, later in itertools.pairwise(times):
        if later - earlier <= REVERSAL_SECONDS:
            detail = f"at {earlier:.0f} s and again at {later:.0f} s: lengthen its scaleDown window"
            return Finding(claim, False, detail)
    return Finding(claim, True, f"{len(times)} in all")


def none_failed(timeline: Timeline) -> Finding:
    """Check that no request failed, and that some were answered while replicas were removed."""
    claim = "no request fails while scaling down"
    start = timeline.load_ends
    late = [r for r in timeline.requests if timeline.since(r)[1] >= start]
    failed = [r for r in timeline.requests if r.outcome == "failed"]
    answered = sum(r.outcome == "ok" for r in late)
    if failed:
        down = sum(r in late for r in failed)
        detail = f"{down} failed then, {len(failed) - down} before; the first: status {failed[0].status},"
        return Finding(claim, False, f"{detail} {failed[0].error or 'no reason given'}")
    if not answered:
        return Finding(claim, False, "none was answered then, which proves nothing")
    return Finding(claim, True, f"{answered} answered then, {len(timeline.requests)} sent in all")
