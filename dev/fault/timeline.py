"""What happened while a fault lasted, before and after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dev.fault.calls import Call
from dev.fault.fault import Fault


@dataclass(frozen=True)
class AlertChange:
    """An alert that began to fire, or was resolved; `at` is in seconds since 1970."""

    at: float
    name: str
    firing: bool


@dataclass(frozen=True)
class Series:
    """The samples of a counter as pairs of time and value, and its name with its labels."""

    name: str
    samples: Sequence[tuple[float, float]]


@dataclass
class Timeline:
    """A whole run; times in seconds since 1970.

    Attributes:
        within: Seconds in which the alert has to fire, and after the fault to be resolved.
        counters: Of each process of the gateway, the samples of its counters.
        starts: When each such process started, by its labels, as often as it was scraped.
        left: Requests that the gateway and the runtime still had after the last call, None if unknown.
    """

    fault: Fault
    began: float
    within: float
    injected: float = 0.0
    ended: float = 0.0
    finished: float = 0.0
    calls: list[Call] = field(default_factory=list)
    alerts: list[AlertChange] = field(default_factory=list)
    counters: Mapping[str, Sequence[Series]] = field(default_factory=dict)
    starts: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    left: float | None = None

    def fired(self) -> float | None:
        """Return when the fault's alert first fired after the fault began."""
        return next((c.at for c in self._changes() if c.firing and c.at >= self.injected), None)

    def resolved(self) -> float | None:
        """Return when the fault's alert was resolved for the last time, if it is."""
        changes = [c for c in self._changes() if c.at >= self.injected]
        return changes[-1].at if changes and not changes[-1].firing else None

    def affected(self) -> list[Call]:
        """Return the calls since the fault began that were not answered whole."""
        return [c for c in self.calls if c.at + c.seconds >= self.injected and not c.ok]

    def recovered(self) -> float | None:
        """Return when the clients' first call was sent after which all were answered whole."""
        after = sorted((c for c in self.calls if c.lane == "clients"), key=lambda c: c.at)
        good: float | None = None
        for call in after:
            if call.at >= self.ended:
                good = (good or call.at) if call.ok else None
        return good

    def _changes(self) -> list[AlertChange]:
        return [c for c in self.alerts if c.name == self.fault.alert]
