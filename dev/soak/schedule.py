"""When which fault is injected: random, and the same for the same seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from dev.fault.fault import Fault
from dev.fault.table import possible

GAP_SECONDS = (10.0, 40.0)
FAULT_SECONDS = (5.0, 20.0)
REST_SECONDS = 60.0
"""Without a fault, before the end."""
NOT_COUNTED = ("model-removed", "gateway-killed")
"""Of what clients are told then, the gateway's counters of generations know nothing."""


@dataclass(frozen=True)
class Injection:
    """A fault, and when it begins and ends, in seconds since the begin of the soak."""

    begins: float
    ends: float
    fault: Fault


def schedule(seed: int, seconds: float) -> Iterator[Injection]:
    """Yield the faults of a soak of so many seconds; no two at once."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    faults = [fault for fault in possible(in_cluster=False) if fault.name not in NOT_COUNTED]
    at = 0.0
    while True:
        begins = at + chance.uniform(*GAP_SECONDS)
        at = begins + chance.uniform(*FAULT_SECONDS)
        fault = chance.choice(faults)
        if at > seconds - REST_SECONDS:
            return
        yield Injection(begins, at, fault)
