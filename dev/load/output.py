"""The requests that the k6 scripts in load/ log, a line each, and their rates. Times are in seconds."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass

REQUEST = "REQ "


@dataclass(frozen=True)
class Request:
    """One request as the client saw it; the outcome is ok, rejected or failed."""

    at: float  # when it was sent, in seconds since 1970
    seconds: float
    outcome: str
    status: int
    tokens: int = 0
    ttft: float | None = None  # until the first byte of a stream
    gateway_ttft: float | None = None
    error: str = ""

    @property
    def ended(self) -> float:
        """When its answer was complete, in seconds since 1970."""
        return self.at + self.seconds


@dataclass(frozen=True)
class Window:
    """What happened in a period of time: rates per second, and the 95th percentile of the latency."""

    offered: float
    ok: float
    rejected: float
    failed: float
    tokens: float
    p95: float | None


def parse_request(line: str) -> Request | None:
    """Return the request of a line of k6's log, or None for any other line.

    Raises:
        ValueError: the line begins like a request but is none.
    """
    if not line.startswith(REQUEST):
        return None
    try:
        return Request(**json.loads(line[len(REQUEST) :]))
    except TypeError as error:
        raise ValueError(f"not a request: {line!r}") from error


def quantile(values: Iterable[float], q: float) -> float | None:
    """Return the smallest value that a share q of all values does not exceed; None without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None


def window(requests: Iterable[Request], start: float, width: float) -> Window:
    """Summarize [start, start + width): `offered` counts requests sent in it, the rest those that ended."""
    requests = list(requests)
    ended = [r for r in requests if start <= r.ended < start + width]
    ok = [r for r in ended if r.outcome == "ok"]
    return Window(
        offered=sum(start <= r.at < start + width for r in requests) / width,
        ok=len(ok) / width,
        rejected=sum(r.outcome == "rejected" for r in ended) / width,
        failed=sum(r.outcome == "failed" for r in ended) / width,
        tokens=sum(r.tokens for r in ok) / width,
        p95=quantile((r.seconds for r in ok), 0.95),
    )
