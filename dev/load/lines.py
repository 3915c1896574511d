"""What the k6 scripts of load/ write: a line per request, and the numbers of the whole run at the end.

Times are in seconds throughout. Pure: text in, values out.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

REQUEST, SUMMARY = "REQ ", "SUMMARY "


@dataclass(frozen=True)
class Request:
    """One request as the client saw it; outcome is ok, refused or failed."""

    at: float  # when it was sent, seconds since 1970
    seconds: float
    outcome: str
    status: int
    tokens: int = 0
    ttft: float | None = None  # until the first byte of a stream
    gateway_ttft: float | None = None
    error: str = ""

    @property
    def ended(self) -> float:
        """When its answer was complete, seconds since 1970."""
        return self.at + self.seconds


@dataclass(frozen=True)
class Second:
    """One second (or `width` of them) of a run; rates are per second."""

    start: float
    offered: float
    ok: float
    refused: float
    failed: float
    tokens: float
    p50: float | None
    p95: float | None
    ttft_p95: float | None


def request(line: str) -> Request | None:
    """The request that a line of k6's log tells of; None for every other line.

    Raises:
        ValueError: the line starts as one but does not read as one.
    """
    if not line.startswith(REQUEST):
        return None
    try:
        return Request(**json.loads(line[len(REQUEST) :]))
    except TypeError as error:
        raise ValueError(f"not a request: {line!r}") from error


def summary(line: str) -> dict[str, Any] | None:
    """The numbers of a run's last line; None for every other line."""
    if not line.startswith(SUMMARY):
        return None
    found: dict[str, Any] = json.loads(line[len(SUMMARY) :])
    return found


def quantile(values: Iterable[float], q: float) -> float | None:
    """The smallest value that at least the share q of all are not above; None without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None


def window(requests: Iterable[Request], start: float, width: float) -> Second:
    """What happened in [start, start + width): offered by the start of requests, else by their end."""
    every = list(requests)
    ended = [r for r in every if start <= r.ended < start + width]
    good = [r for r in ended if r.outcome == "ok"]
    ttft = [t for r in good if (t := r.gateway_ttft if r.ttft is None else r.ttft) is not None]
    return Second(
        start=start,
        offered=sum(start <= r.at < start + width for r in every) / width,
        ok=len(good) / width,
        refused=sum(r.outcome == "refused" for r in ended) / width,
        failed=sum(r.outcome == "failed" for r in ended) / width,
        tokens=sum(r.tokens for r in good) / width,
        p50=quantile((r.seconds for r in good), 0.5),
        p95=quantile((r.seconds for r in good), 0.95),
        ttft_p95=quantile(ttft, 0.95),
    )


def seconds(requests: Sequence[Request], width: float = 1.0) -> list[Second]:
    """The whole run in steps of `width` seconds; empty for no requests."""
    if not requests:
        return []
    start, end = min(r.at for r in requests), max(r.ended for r in requests)
    steps = int((end - start) / width) + 1
    return [window(requests, start + n * width, width) for n in range(steps)]
