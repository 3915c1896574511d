"""The report of a run: the table of its figures, and its goals."""

import statistics
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from bench.goals import (
    DIRECT,
    STREAM_RATE_AT_LEAST,
    THROUGHPUT_AT_LEAST,
    Finding,
    latency,
    rate,
)
from bench.paced import p99
from bench.run import Figures
from bench.stats import Rounds, Spread, added, medians, spread

WIDTH = 26
LABEL = 30


def platform_findings(figures: Figures, options: Any) -> list[Finding]:
    """Judge the gateway beside the runtime alone."""
    return [
        latency("plain call", figures.plain),
        latency("first token", figures.first_token),
        rate(
            f"tokens/s of {options.streams} streams of {options.tokens}",
            figures.token_rate,
            STREAM_RATE_AT_LEAST,
        ),
        rate(f"calls/s of {options.clients} clients", figures.throughput, THROUGHPUT_AT_LEAST),
    ]


def table(figures: Figures, options: Any) -> list[str]:
    """Return the lines of the table: for each figure the median of the rounds, and their quartiles."""
    names = list(figures.plain)
    lines = [row("", names)]
    for what, calls in (
        ("plain call, ms", figures.plain),
        ("first token, ms", figures.first_token),
        ("plain call, lean client, ms", figures.lean_plain),
    ):
        lines.append(row(what, [milliseconds(spread(medians(calls[name]))) for name in names]))
        extra = ["" if name == DIRECT else milliseconds(surplus(calls, name)) for name in names]
        lines.append(row("  added, ms", extra))
    slowest = {name: p99(list(chain(*figures.lean_plain[name]))) for name in names}
    lines.append(row("  P99 of all, ms", [f"{slowest[name] * 1e3:.3g}" for name in names]))
    extra = ["" if name == DIRECT else f"{(slowest[name] - slowest[DIRECT]) * 1e3:.3g}" for name in names]
    lines.append(row("  added to the P99, ms", extra))
    lines.append(
        row(f"{options.clients} clients, calls/s", [rates(figures.throughput[name]) for name in names])
    )
    for process in next(iter(figures.used.values()))[0]:
        cost = [
            f"{statistics.median(used[process] for used in figures.used[name]) * 1e6:.0f}" for name in names
        ]
        lines.append(row(f"  CPU per call: {process}, us", cost))
    streams = f"{options.streams} streams, tokens/s"
    lines.append(row(streams, [rates(figures.token_rate[name]) for name in names]))
    return lines


def row(label: str, cells: Sequence[str]) -> str:
    return (label.ljust(LABEL) + "".join(cell.rjust(WIDTH) for cell in cells)).rstrip()


def surplus(calls: dict[str, list[list[float]]], name: str) -> Spread:
    """Return what a target's call takes longer than a direct one, in seconds."""
    direct: Rounds = calls[DIRECT]
    return spread(added(direct, calls[name]))


def milliseconds(value: Spread) -> str:
    """Format a spread of seconds."""
    return str(Spread(value.median * 1e3, value.low * 1e3, value.high * 1e3))


def rates(values: Sequence[float]) -> str:
    """Format the spread of one rate per round."""
    value = spread(values)
    return f"{value.median:.0f} ({value.low:.0f} to {value.high:.0f})"


def disturbance(record: dict[str, Any]) -> str:
    """Return a line about what other processes used during the run."""
    shares = [share for name, share in record.items() if name.startswith("others")]
    return f"other processes used {max(shares) * 100:.0f} % of a core during the run"


def show(title: str, lines: Iterable[str]) -> None:
    """Print a section of the report."""
    print(f"\n{title}", *lines, sep="\n  ", flush=True)
