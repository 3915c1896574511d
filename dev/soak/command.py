"""Soak the platform: load for an hour, with random faults; it must not grow, and account for every request.

    python -m dev soak                               an hour
    python -m dev soak --duration 5m --seed 7        a short one; the same seed injects the same faults

It runs where `python -m dev fault` does. Exit status: 0 if everything holds, 1 if not (see the lines FAIL),
130 after Ctrl-C.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial

from dev.autoscale.verdict import Finding
from dev.fault import cluster, local
from dev.fault.calls import Call
from dev.fault.place import KEYS, Place
from dev.fault.run import LEFT_SECONDS, POLL_SECONDS, recent
from dev.load.command import duration, positive, stoppable
from dev.options import Parser
from dev.soak.account import judge
from dev.soak.schedule import Injection, schedule

WARM_SECONDS = 30.0
LINE_SECONDS = 30.0
IDLE_SECONDS = 15.0
"""Without a request, until idle connections to the runtime are closed, and that is scraped."""

say = partial(print, flush=True)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = Parser("soak", __doc__)
    parser.add_setting("--duration", "such as 90s, 10m or 1h", type=duration, default=3600.0)
    parser.add_setting("--rate", "requests per second, half of them streams", type=positive, default=6.0)
    parser.add_setting("--seed", "of the faults", type=int, default=1)
    parser.add_setting(
        "--profile", "where; without it, where the platform runs", choices=("cluster", "local")
    )
    return parser.parse(argv)


def soak(place: Place, options: argparse.Namespace) -> list[Finding]:
    """Run the load and its faults, and judge them."""
    calls: list[Call] = []
    with load(place, "warm", options.rate, KEYS, []):
        time.sleep(WARM_SECONDS)
    settle(place)
    before, counted = place.prometheus.resources(), place.prometheus.outcomes()
    with load(place, "clients", options.rate, KEYS, calls):
        began = time.monotonic()
        for injection in schedule(options.seed, options.duration):
            rest(began + injection.begins, calls)
            say(f"{injection.begins:5.0f} s  {injection.fault.name}: {injection.fault.description}")
            inject(place, injection, began, calls)
        rest(began + options.duration, calls)
    settle(place)
    after = place.prometheus.outcomes()
    grown = {name: value - counted.get(name, 0.0) for name, value in after.items()}
    return judge(calls, grown, before, place.prometheus.resources())


def inject(place: Place, injection: Injection, began: float, calls: list[Call]) -> None:
    """Let a fault last as long as it is to."""
    fault = injection.fault
    with ExitStack() as stack:
        stack.enter_context(place.inject(fault))
        if fault.flood:
            keys = (fault.flood_key,) if fault.flood_key else KEYS
            stack.enter_context(load(place, "flood", fault.flood, keys, calls))
        rest(began + injection.ends, calls)


@contextmanager
def load(place: Place, lane: str, rate: float, keys: tuple[str, ...], calls: list[Call]) -> Iterator[None]:
    """Send calls during the block; all of them are in the list after it."""

    def collect(lines: Iterator[str]) -> None:
        for line in lines:
            calls.append(Call(**json.loads(line)))

    with place.calls(lane, rate, keys) as lines:
        reader = threading.Thread(target=collect, args=(lines,), daemon=True)
        reader.start()
        yield
    reader.join(timeout=LEFT_SECONDS)


def rest(until: float, calls: list[Call]) -> None:
    """Wait, and say now and then what becomes of the calls."""
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, LINE_SECONDS))
        if left > LINE_SECONDS:
            say(f"         {recent(calls, time.time() - LINE_SECONDS)}")


def settle(place: Place) -> None:
    """Wait until no request is left, and what that leaves idle is gone."""
    time.sleep(IDLE_SECONDS)
    deadline = time.monotonic() + LEFT_SECONDS
    while place.prometheus.left() != 0 and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    options = parse(argv)
    in_cluster = options.profile == "cluster" if options.profile else cluster.runs()
    faults = list(schedule(options.seed, options.duration))
    planned = f"{len(faults)} faults (seed {options.seed})"
    say(f"{options.duration:g} s of {options.rate:g} requests/s, with {planned}")
    with stoppable(), (cluster if in_cluster else local).platform() as place:
        findings = soak(place, options)
    say("\n" + "\n".join(str(finding) for finding in findings))
    return 0 if all(finding.ok for finding in findings) else 1
