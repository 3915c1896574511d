"""What the watcher records while the autoscalers work: data that can be saved, loaded and judged.

Times are in seconds since the watch began, unless stated otherwise.
"""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dev.load.output import Request


@dataclass(frozen=True)
class Scaler:
    """One autoscaler and its workload at one moment; metric and target share a unit, % or requests."""

    replicas: int  # desired
    ready: int
    minimum: int
    maximum: int
    metric: float | None
    target: float
    kind: str  # cpu or queue
    inactive: str = ""  # reason and message of the condition that keeps it from acting, if any


@dataclass(frozen=True)
class Sample:
    """The state at one moment; rates (per second) and P95 are those of the last ten seconds."""

    at: float
    offered: float
    answered: float
    rejected: float
    failed: float
    p95: float | None
    running: float | None  # in all gateways that answered; None if none did
    waiting: float | None
    scalers: Mapping[str, Scaler]


@dataclass(frozen=True)
class Event:
    """A Kubernetes event of an autoscaler."""

    at: float
    about: str
    reason: str
    message: str


@dataclass
class Timeline:
    """A whole watch. `began` is in seconds since 1970; the load is up from `load_starts` to `load_ends`."""

    began: float
    load_starts: float
    load_ends: float
    settings: Mapping[str, str]
    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @property
    def mode(self) -> str:
        """The kind of the autoscalers in the samples: cpu, queue, or both."""
        kinds = {s.kind for sample in self.samples for s in sample.scalers.values()}
        return "+".join(sorted(kinds))

    def of(self, workload: str) -> list[tuple[float, Scaler]]:
        """Return the times and states of the workload's autoscaler."""
        return [(s.at, s.scalers[workload]) for s in self.samples if workload in s.scalers]

    def since(self, request: Request) -> tuple[float, float]:
        """Return when a request was sent and when it ended."""
        return request.at - self.began, request.ended - self.began


def save(timeline: Timeline, path: Path) -> None:
    """Write the timeline as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(timeline), indent=1) + "\n")


def load(path: Path) -> Timeline:
    """Return the timeline that `save` wrote.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is not a timeline.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        parts: dict[str, Any] = {
            "samples": [_sample(s) for s in found.pop("samples")],
            "events": [Event(**e) for e in found.pop("events")],
            "requests": [Request(**r) for r in found.pop("requests")],
        }
        return Timeline(**found, **parts)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a timeline of `make autoscale`: {error}") from error


def _sample(found: dict[str, Any]) -> Sample:
    scalers = {name: Scaler(**scaler) for name, scaler in found.pop("scalers").items()}
    return Sample(**found, scalers=scalers)


def replica_seconds(points: Iterable[tuple[float, Scaler]], start: float, end: float) -> float:
    """Return the integral of replicas over time; the first and the last sample extend to the edges."""
    seen = list(points)
    if not seen:
        return 0.0
    edges = [start, *(at for at, _ in seen if start < at < end), end]
    total = 0.0
    for left, right in itertools.pairwise(edges):
        known = [scaler for at, scaler in seen if at <= left]
        total += (right - left) * (known[-1] if known else seen[0][1]).replicas
    return total
