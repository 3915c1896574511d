"""Watch both autoscalers while the load runs, with a sample every two seconds."""

import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

from dev.autoscale.cluster import Cluster
from dev.autoscale.timeline import Sample, Scaler, Timeline
from dev.autoscale.verdict import obstacle
from dev.load.output import parse_request, window
from dev.settings import WORKLOADS

SAMPLE_SECONDS = 2.0
LINE_SECONDS = 6.0
WINDOW_SECONDS = 10.0  # of a sample's rates and P95
SETTLED_SECONDS = 15.0  # both have been at their minimum for so long when the watch ends
READY_SECONDS = 120.0


def ready(cluster: Cluster, say: Callable[[str], None]) -> dict[str, Scaler]:
    """Wait until both autoscalers know their metric and are at one replica; return their last state."""
    deadline = time.monotonic() + READY_SECONDS
    printed = ""
    while True:
        scalers = cluster.scalers()
        missing = [f"{name}: {why}" for name in WORKLOADS if (why := _not_ready(scalers.get(name)))]
        hopeless = any((s := scalers.get(name)) is None or s.maximum < 2 for name in WORKLOADS)
        if not missing or hopeless or time.monotonic() > deadline:
            return scalers
        if (now := "; ".join(missing)) != printed:
            say(f"waiting: {now}")
            printed = now
        time.sleep(SAMPLE_SECONDS)


def _not_ready(scaler: Scaler | None) -> str:
    if scaler and scaler.replicas > 1:
        return f"{scaler.replicas} replicas, which must first be 1 again"
    if scaler and scaler.ready < 1:
        return "no replica is ready"
    if scaler and scaler.metric is None and not scaler.inactive:
        return "no metric yet"
    return obstacle(scaler)


@dataclass
class Watch:
    """Records a timeline; a thread of its own reads k6's log."""

    cluster: Cluster
    timeline: Timeline
    say: Callable[[str], None]
    seen: set[str] = field(default_factory=set)
    ended: threading.Event = field(default_factory=threading.Event)

    def listen(self, lines: Iterable[str]) -> threading.Thread:
        """Collect the requests in k6's log, in the background."""

        def collect() -> None:
            try:
                for line in lines:
                    if found := parse_request(line):
                        self.timeline.requests.append(found)
                    elif "level=error" in line or line.startswith("ERRO"):
                        self.say(f"k6: {line}")
            except (ApiException, HTTPError, OSError, ValueError) as error:
                # At the end of the watch the Job is removed while its log is open: nothing is lost then.
                if not self.ended.is_set():
                    print(f"k6's log broke off: {error}", file=sys.stderr)
            finally:
                self.ended.set()

        thread = threading.Thread(target=collect, daemon=True)
        thread.start()
        return thread

    def run(self, until: float) -> None:
        """Take samples until both have scaled up and down again, or can no longer do so."""
        printed = -LINE_SECONDS
        while not self.ended.is_set():
            try:
                self.sample()
            except (ApiException, HTTPError, OSError) as error:
                self.say(f"the API server did not answer: {error!r:.200}")
            if self.timeline.samples and (last := self.timeline.samples[-1]).at - printed >= LINE_SECONDS:
                self.say(line(last))
                printed = last.at
            if finished(self.timeline, until):
                return
            time.sleep(SAMPLE_SECONDS)

    def sample(self) -> None:
        """Take a sample, and print the events since the last one."""
        began = self.timeline.began
        scalers = self.cluster.scalers()
        running, waiting = self.cluster.demand()
        for key, event in self.cluster.events(began):
            if key not in self.seen:
                self.seen.add(key)
                self.timeline.events.append(event)
                self.say(f"{event.at:5.0f} s  {event.about}: {event.reason}: {event.message}")
        now = time.time()
        last = window(list(self.timeline.requests), now - WINDOW_SECONDS, WINDOW_SECONDS)
        self.timeline.samples.append(
            Sample(
                at=now - began,
                offered=last.offered,
                answered=last.ok,
                rejected=last.rejected,
                failed=last.failed,
                p95=last.p95,
                running=running,
                waiting=waiting,
                scalers=scalers,
            )
        )


def finished(timeline: Timeline, until: float) -> bool:
    """Return whether the proof is complete or can no longer succeed."""
    if not timeline.samples:
        return False
    now = timeline.samples[-1].at
    if now >= until:
        return True
    if now < timeline.load_ends + SETTLED_SECONDS:
        return False
    rose = [max((s.replicas for _, s in timeline.of(name)), default=0) > 1 for name in WORKLOADS]
    lately = [s for name in WORKLOADS for at, s in timeline.of(name) if at >= now - SETTLED_SECONDS]
    # If one never scaled up, it won't now; keep watching until the other has scaled down.
    return not any(rose) or all(s.replicas <= s.minimum for s in lately)


def line(sample: Sample) -> str:
    """Return a sample as a line of text."""
    p95 = "   -  " if sample.p95 is None else f"{sample.p95:5.2f}s"
    demand = "?" if sample.running is None else f"{sample.running:.0f}+{sample.waiting:.0f}"
    scalers = "  ".join(f"{name} {_state(s)}" for name, s in sample.scalers.items())
    return (
        f"{sample.at:5.0f} s  offered {sample.offered:4.1f}/s  answered {sample.answered:4.1f}/s  rejected "
        f"{sample.rejected:4.1f}/s  running+waiting {demand:>5}  P95 {p95}  {scalers}"
    )


def _state(scaler: Scaler) -> str:
    metric = "unknown" if scaler.metric is None or scaler.inactive else f"{scaler.metric:.3g}"
    return f"{scaler.ready}/{scaler.replicas} ({metric} of {scaler.target:.3g}{'%' * (scaler.kind == 'cpu')})"
