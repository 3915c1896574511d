"""What the watcher sees while the autoscalers work, as values that can be written, read again and judged.

Times are seconds since the watch began, unless said otherwise.
"""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dev.load.lines import Request

WORKLOADS = ("llm-api", "llm-runtime")


@dataclass(frozen=True)
class Scaler:
    """One autoscaler and its workload at one moment. metric and target share a unit: % or requests."""

    replicas: int  # that the workload is told to have
    ready: int
    minimum: int
    maximum: int
    metric: float | None
    target: float
    kind: str  # cpu or queue
    inactive: str = ""  # why it cannot act: reason and message of its condition, empty when it can


@dataclass(frozen=True)
class Sample:
    """One look at everything; rates are per second, times in seconds, over the last moments."""

    at: float
    offered: float
    answered: float
    refused: float
    failed: float
    p95: float | None
    running: float | None  # in all gateways that answered; None when none did
    waiting: float | None
    scalers: Mapping[str, Scaler]


@dataclass(frozen=True)
class Event:
    """Something that an autoscaler said."""

    at: float
    about: str
    reason: str
    message: str


@dataclass
class Timeline:
    """A whole watch. `began` is seconds since 1970; the load rises between `ramp` and `falls`."""

    began: float
    ramp: float
    falls: float
    settings: Mapping[str, str]
    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    @property
    def mode(self) -> str:
        """cpu or queue, of the autoscalers seen; empty before the first."""
        kinds = {s.kind for sample in self.samples for s in sample.scalers.values()}
        return "+".join(sorted(kinds))

    def of(self, workload: str) -> list[tuple[float, Scaler]]:
        """The samples that know the workload's autoscaler, with their times."""
        return [(s.at, s.scalers[workload]) for s in self.samples if workload in s.scalers]

    def since(self, request: Request) -> tuple[float, float]:
        """When a request was sent and when it ended."""
        return request.at - self.began, request.ended - self.began


def save(timeline: Timeline, path: Path) -> None:
    """Writes the timeline as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(timeline), indent=1) + "\n")


def load(path: Path) -> Timeline:
    """Reads what `save` wrote.

    Raises:
        ValueError: the file is something else.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        parts: dict[str, Any] = {
            "samples": [_sample(s) for s in found.pop("samples")],
            "events": [Event(**e) for e in found.pop("events")],
            "requests": [Request(**r) for r in found.pop("requests")],
        }
        return Timeline(**found, **parts)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a timeline of dev.autoscale: {error}") from error


def _sample(found: dict[str, Any]) -> Sample:
    scalers = {name: Scaler(**scaler) for name, scaler in found.pop("scalers").items()}
    return Sample(**found, scalers=scalers)


def replica_seconds(points: Iterable[tuple[float, Scaler]], start: float, end: float) -> float:
    """Replicas times seconds between start and end; outside of what was watched, the nearest sample holds."""
    seen = list(points)
    if not seen:
        return 0.0
    edges = [start, *(at for at, _ in seen if start < at < end), end]
    total = 0.0
    for left, right in itertools.pairwise(edges):
        known = [scaler for at, scaler in seen if at <= left]
        total += (right - left) * (known[-1] if known else seen[0][1]).replicas
    return total
