"""Watches both autoscalers while the load runs: one look every two seconds, each a line of the timeline."""

import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from dev.autoscale.cluster import Cluster
from dev.autoscale.timeline import WORKLOADS, Sample, Scaler, Timeline
from dev.autoscale.verdict import obstacle
from dev.load import lines as load_lines

LOOK_SECONDS = 2.0
LINE_SECONDS = 6.0
WINDOW_SECONDS = 10.0  # rates and P95 of a sample are of the last ten seconds
SETTLED_SECONDS = 15.0  # how long both must have been back before the watch ends
READY_SECONDS = 120.0


def ready(cluster: Cluster, say: Callable[[str], None]) -> dict[str, Scaler]:
    """Waits until both autoscalers know their metric and rest at one replica; gives what was seen last."""
    deadline = time.monotonic() + READY_SECONDS
    said = ""
    while True:
        scalers = cluster.scalers()
        missing = [f"{name}: {why}" for name in WORKLOADS if (why := _not_ready(scalers.get(name)))]
        hopeless = any((s := scalers.get(name)) is None or s.maximum < 2 for name in WORKLOADS)
        if not missing or hopeless or time.monotonic() > deadline:
            return scalers
        if (now := "; ".join(missing)) != said:
            say(f"waiting: {now}")
            said = now
        time.sleep(LOOK_SECONDS)


def _not_ready(scaler: Scaler | None) -> str:
    if scaler and scaler.replicas > 1:
        return f"{scaler.replicas} replicas, going back to 1 first"
    if scaler and scaler.ready < 1:
        return "no replica is ready"
    if scaler and scaler.metric is None and not scaler.inactive:
        return "no metric yet"
    return obstacle(scaler)


@dataclass
class Watch:
    """The timeline as it grows, fed by k6's log in a thread of its own."""

    cluster: Cluster
    timeline: Timeline
    say: Callable[[str], None]
    seen: set[str] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)

    def listen(self, lines: Iterable[str]) -> threading.Thread:
        """Collects the requests that k6 tells of, in the background."""

        def collect() -> None:
            try:
                for line in lines:
                    if found := load_lines.request(line):
                        self.timeline.requests.append(found)
                    elif "level=error" in line or line.startswith("ERRO"):
                        self.say(f"k6: {line}")
            except (HTTPError, OSError, ValueError) as error:
                # At the end of a watch the Job is removed under the open log: no loss then.
                if not self.ended.is_set():
                    print(f"k6's log broke off: {error}", file=sys.stderr)
            finally:
                self.ended.set()

        thread = threading.Thread(target=collect, daemon=True)
        thread.start()
        return thread

    def run(self, until: float) -> None:
        """Looks until both have gone up and come back, or nothing more can come of it."""
        printed = -LINE_SECONDS
        while not self.ended.is_set():
            try:
                self.look()
            except (ApiException, HTTPError, OSError) as error:
                self.say(f"the API server did not answer: {error!r:.200}")
            if self.timeline.samples and (last := self.timeline.samples[-1]).at - printed >= LINE_SECONDS:
                self.say(line(last))
                printed = last.at
            if finished(self.timeline, until):
                return
            time.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Takes one sample, and tells what the autoscalers have said since the last."""
        began = self.timeline.began
        scalers = self.cluster.scalers()
        running, waiting = self.cluster.demand()
        for key, event in self.cluster.events(began):
            if key not in self.seen:
                self.seen.add(key)
                self.timeline.events.append(event)
                self.say(f"{event.at:5.0f} s  {event.about}: {event.reason}: {event.message}")
        now = time.time()
        last = load_lines.window(list(self.timeline.requests), now - WINDOW_SECONDS, WINDOW_SECONDS)
        self.timeline.samples.append(
            Sample(
                at=now - began,
                offered=last.offered,
                answered=last.ok,
                refused=last.refused,
                failed=last.failed,
                p95=last.p95,
                running=running,
                waiting=waiting,
                scalers=scalers,
            )
        )


def finished(timeline: Timeline, until: float) -> bool:
    """Whether the proof is complete, or can no longer be had."""
    if not timeline.samples:
        return False
    now = timeline.samples[-1].at
    if now >= until:
        return True
    if now < timeline.falls + SETTLED_SECONDS:
        return False
    rose = [max((s.replicas for _, s in timeline.of(name)), default=0) > 1 for name in WORKLOADS]
    lately = [s for name in WORKLOADS for at, s in timeline.of(name) if at >= now - SETTLED_SECONDS]
    # An autoscaler that did not rise under the load will not rise now; the other one's return is seen out.
    return not any(rose) or all(s.replicas <= s.minimum for s in lately)


def line(sample: Sample) -> str:
    """A sample as a line to read."""
    p95 = "   -  " if sample.p95 is None else f"{sample.p95:5.2f}s"
    demand = "?" if sample.running is None else f"{sample.running:.0f}+{sample.waiting:.0f}"
    scalers = "  ".join(f"{name} {_state(s)}" for name, s in sample.scalers.items())
    return (
        f"{sample.at:5.0f} s  offered {sample.offered:4.1f}/s  answered {sample.answered:4.1f}/s  refused "
        f"{sample.refused:4.1f}/s  running+waiting {demand:>5}  P95 {p95}  {scalers}"
    )


def _state(scaler: Scaler) -> str:
    metric = "unknown" if scaler.metric is None or scaler.inactive else f"{scaler.metric:.3g}"
    return f"{scaler.ready}/{scaler.replicas} ({metric} of {scaler.target:.3g}{'%' * (scaler.kind == 'cpu')})"
