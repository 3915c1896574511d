"""Run one fault: load, the fault, its alert, the end of it; and write everything down."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import httpx

from dev.fault.calls import Call
from dev.fault.fault import Fault
from dev.fault.place import KEYS, Place
from dev.fault.timeline import AlertChange, Timeline
from dev.fault.verdict import RECOVERED_CALLS

POLL_SECONDS = 0.25
LINE_SECONDS = 5.0
BASELINE_SCRAPES = 5
WITHIN_SCRAPES = 30
"""In which an alert must fire: the longest window of a fast alert twice, and its wait."""
WITHIN_SECONDS = 30.0
"""What requests take to fail: deadlines do not shrink with the windows."""
QUIET_SECONDS = 180.0
"""For a container to start again that was killed often, so that the cluster waits before it does."""
AFFECTED_CALLS = 3
LEFT_SECONDS = 60.0
READ_SECONDS = 30.0


@dataclass
class Run:
    """One run of one fault.

    Attributes:
        patience: By how much longer than usual everything may take.
        ends: Whether the fault ends when it should, or only after the wait for the recovery.
        beside: Other faults at the same time, of which the verdict knows nothing.
    """

    place: Place
    fault: Fault
    say: Callable[[str], None]
    patience: float = 1.0
    ends: bool = True
    beside: Sequence[Fault] = ()
    firing: set[str] = field(default_factory=set)
    printed: float = 0.0

    def __post_init__(self) -> None:
        """Begin the timeline."""
        within = (WITHIN_SCRAPES * self.place.scrape_seconds + WITHIN_SECONDS) * self.patience
        self.timeline = Timeline(self.fault, time.time(), within)

    def run(self) -> Timeline:
        """Return what happened."""
        timeline, fault, within = self.timeline, self.fault, self.timeline.within
        self.say(f"{fault.name}: {fault.description}")
        with sent(self.place, "clients", fault.rate, KEYS, timeline.calls):
            self._wait("answers, and no alert from before", self._quiet, QUIET_SECONDS)
            timeline.injected = time.time()
            self._event("the fault begins")
            with ExitStack() as later:
                with ExitStack() as now:
                    for one in (fault, *self.beside):
                        (now if self.ends else later).enter_context(injected(self.place, one, timeline.calls))
                    self._wait("the alert, and clients that notice", self._noticed, within)
                timeline.ended = time.time()
                self._event("the fault has ended" if self.ends else "the fault should have ended")
                over = self._over if self.ends else lambda: False
                self._wait("the alert's end, and whole answers", over, within)
        self._settle()
        timeline.finished = time.time()
        return timeline

    def _quiet(self) -> bool:
        seconds = BASELINE_SCRAPES * self.place.scrape_seconds
        calls = [c for c in self.timeline.calls if c.at > time.time() - seconds - 1]
        lasted = time.time() - self.timeline.began > seconds
        return lasted and bool(calls) and all(c.ok for c in calls) and self.fault.alert not in self.firing

    def _noticed(self) -> bool:
        fired = self.timeline.fired() is not None if self.fault.alert else self._lasted()
        return fired and (self.fault.harmless or len(self.timeline.affected()) >= AFFECTED_CALLS)

    def _lasted(self) -> bool:
        return time.time() - self.timeline.injected > BASELINE_SCRAPES * self.place.scrape_seconds

    def _over(self) -> bool:
        good = self.timeline.recovered()
        if good is None or self.fault.alert in self.firing:
            return False
        return sum(c.at >= good for c in self.timeline.calls if c.lane == "clients") >= 2 * RECOVERED_CALLS

    def _wait(self, what: str, holds: Callable[[], bool], seconds: float) -> None:
        """Watch until something holds, or the time for it is over: the verdict says what was missing."""
        deadline = time.time() + seconds
        while not holds():
            if time.time() > deadline:
                self._event(f"waited {seconds:.0f} s in vain for {what}")
                return
            self._look()
            time.sleep(POLL_SECONDS)

    def _look(self) -> None:
        """Note which alerts begin and end, and print a line now and then."""
        try:
            firing = self.place.prometheus.firing()
        except httpx.HTTPError:
            return  # Prometheus itself may be what is down; an alert is late then, and the verdict says so.
        now = time.time()
        for name in sorted(firing ^ self.firing):
            self.timeline.alerts.append(AlertChange(now, name, name in firing))
            self._event(f"{name} {'fires' if name in firing else 'is resolved'}")
        self.firing = firing
        if now - self.printed >= LINE_SECONDS:
            self.printed = now
            self._event(recent(self.timeline.calls, now - LINE_SECONDS))

    def _settle(self) -> None:
        """Wait until no request is left, then fetch the counters of the whole run."""
        prometheus, timeline = self.place.prometheus, self.timeline
        # A scrape after the last call, not one before it.
        time.sleep(2 * self.place.scrape_seconds)
        timeline.left = left_over(self.place)
        seconds = time.time() - timeline.began
        timeline.counters, timeline.starts = prometheus.counters(seconds), prometheus.starts(seconds)

    def _event(self, text: str) -> None:
        since = time.time() - (self.timeline.injected or self.timeline.began)
        self.say(f"{since:5.0f} s  {text}")


@contextmanager
def sent(place: Place, lane: str, rate: float, keys: tuple[str, ...], calls: list[Call]) -> Iterator[None]:
    """Send calls during the block; all of them are in the list after it."""

    def collect(lines: Iterator[str]) -> None:
        for line in lines:
            calls.append(Call(**json.loads(line)))

    with place.calls(lane, rate, keys) as lines:
        reader = threading.Thread(target=collect, args=(lines,), daemon=True)
        reader.start()
        yield
    reader.join(timeout=READ_SECONDS)


@contextmanager
def injected(place: Place, fault: Fault, calls: list[Call]) -> Iterator[None]:
    """Have a fault, and the flood that belongs to it, during the block."""
    with ExitStack() as stack:
        stack.enter_context(place.inject(fault))
        if fault.flood:
            keys = (fault.flood_key,) if fault.flood_key else KEYS
            stack.enter_context(sent(place, "flood", fault.flood, keys, calls))
        yield


def left_over(place: Place) -> float | None:
    """Wait for a bounded time until no request is left; return what Prometheus' `left` says then."""
    deadline = time.monotonic() + LEFT_SECONDS
    while (left := place.prometheus.left()) != 0 and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return left


def recent(calls: list[Call], since: float) -> str:
    """Return a line about the calls that ended since a time."""
    last = [c for c in list(calls) if c.at + c.seconds >= since]
    kinds: dict[str, int] = {}
    for call in last:
        kind = "answered" if call.ok else f"{call.status or 'no response'} {call.code or 'cut'}"
        kinds[kind] = kinds.get(kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "no call ended"
