"""The report of the gateway beside Envoy and LiteLLM: what they do under load, and the goals."""

import statistics
from typing import Any

from bench.goals import (
    DIRECT,
    FLOOR,
    GATEWAY,
    PACED_RATE_AT_LEAST,
    PEER,
    Finding,
    floor,
    peer_cost,
    peer_latency,
    peer_rate,
    rate,
)
from bench.paced import ADDED_P99, LOWEST
from bench.report import rates, row
from bench.run import Figures, Load
from bench.stats import added


def findings(figures: Figures, load: Load, options: Any) -> list[Finding]:
    """Judge the gateway beside the floor and the peer; bench.stalls judges the streams."""
    extra = {name: added(figures.lean_plain[DIRECT], figures.lean_plain[name]) for name in (GATEWAY, FLOOR)}
    cpu = {name: [used[name] for used in figures.used[name]] for name in (GATEWAY, FLOOR, PEER)}
    in_time = {name: [of[-1] for of in load.paced[name]] for name in load.paced}
    in_time[PEER] = [max(of, LOWEST) for of in in_time[PEER]]  # It may be in time at less than was tried.
    return [
        floor("plain call, lean client, added", extra[GATEWAY], extra[FLOOR]),
        floor("CPU per call", cpu[GATEWAY], cpu[FLOOR]),
        rate(f"calls/s with an added P99 of {ADDED_P99[-1] * 1e3:g} ms", in_time, PACED_RATE_AT_LEAST),
        peer_latency("plain call", figures.plain),
        peer_latency("first token", figures.first_token),
        peer_rate(f"calls/s of {options.clients} clients", figures.throughput),
        peer_rate(f"calls/s with an added P99 of {ADDED_P99[-1] * 1e3:g} ms", in_time),
        peer_cost("CPU per call", cpu),
    ]


def load_table(load: Load, options: Any) -> list[str]:
    """Return the lines of the table: for each figure the median of the rounds."""
    names = list(load.paced)
    lines = [row("", names)]
    for index, limit in enumerate(ADDED_P99):
        found = [rates([of[index] for of in load.paced[name]]) for name in names]
        lines.append(row(f"calls/s, P99 + {limit * 1e3:g} ms at most", found))
    label = f"of {options.smooth_streams} streams, smooth"
    lines.append(row(label, [rates([one.smooth for one in load.streams[name]]) for name in names]))
    cpu = [statistics.median(one.cpu_per_token for one in load.streams[name]) for name in names]
    lines.append(row("  CPU per token, us", [f"{seconds * 1e6:.0f}" for seconds in cpu]))
    memory = [statistics.median(one.memory for one in load.streams[name]) for name in names]
    return [*lines, row("  memory at their end, MiB", [f"{size / 2**20:.0f}" for size in memory])]
