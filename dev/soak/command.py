"""Soak the platform: load for an hour, with random faults; it must not grow, and account for every request.

    python -m dev soak                               an hour
    python -m dev soak --duration 5m --seed 7        a short one; the same seed injects the same faults

It runs where `python -m dev fault` does. Exit status: 0 if everything holds, 1 if not (see the lines FAIL),
130 after Ctrl-C.
"""

import argparse
import time
from collections.abc import Sequence
from functools import partial

from dev.autoscale.verdict import Finding
from dev.fault import choice
from dev.fault.calls import Call
from dev.fault.place import KEYS, Place
from dev.fault.run import injected, left_over, recent, sent
from dev.load.command import duration, positive, stoppable
from dev.options import Parser
from dev.soak.account import judge
from dev.soak.schedule import schedule

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
    choice.add_profile(parser)
    return parser.parse(argv)


def soak(place: Place, options: argparse.Namespace) -> list[Finding]:
    """Run the load and its faults, and judge them."""
    calls: list[Call] = []
    with sent(place, "warm", options.rate, KEYS, []):
        time.sleep(WARM_SECONDS)
    settle(place)
    before, counted = place.prometheus.resources(), place.prometheus.outcomes()
    with sent(place, "clients", options.rate, KEYS, calls):
        began = time.monotonic()
        for injection in schedule(options.seed, options.duration):
            rest(began + injection.begins, calls)
            say(f"{injection.begins:5.0f} s  {injection.fault.name}: {injection.fault.description}")
            with injected(place, injection.fault, calls):
                rest(began + injection.ends, calls)
        rest(began + options.duration, calls)
    settle(place)
    after = place.prometheus.outcomes()
    grown = {name: value - counted.get(name, 0.0) for name, value in after.items()}
    return judge(calls, grown, before, place.prometheus.resources())


def rest(until: float, calls: list[Call]) -> None:
    """Wait, and say now and then what becomes of the calls."""
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, LINE_SECONDS))
        if left > LINE_SECONDS:
            say(f"         {recent(calls, time.time() - LINE_SECONDS)}")


def settle(place: Place) -> None:
    """Wait until no request is left, and what that leaves idle is gone."""
    time.sleep(IDLE_SECONDS)
    left_over(place)


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    options = parse(argv)
    faults = list(schedule(options.seed, options.duration))
    planned = f"{len(faults)} faults (seed {options.seed})"
    say(f"{options.duration:g} s of {options.rate:g} requests/s, with {planned}")
    with stoppable(), choice.platform(choice.in_cluster(options.profile)) as place:
        findings = soak(place, options)
    say("\n" + "\n".join(str(finding) for finding in findings))
    return 0 if all(finding.ok for finding in findings) else 1
