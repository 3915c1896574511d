"""The requests that the k6 scripts in load/ log, a line each, and their rates. Times are in seconds."""

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

SENT, REQUEST = "SENT ", "REQ "


@dataclass(frozen=True)
class Sent:
    """The beginning of a request; `kind` as in `Request`."""

    at: float  # in seconds since 1970
    kind: str = ""


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
    kind: str = ""  # of a script with several kinds of requests

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
    """Return the request that a line of k6's log reports the end of, or None for any other line.

    Raises:
        ValueError: the line begins like a request but is none.
    """
    return _parse(line, REQUEST, Request)


def parse_sent(line: str) -> Sent | None:
    """Return the beginning of a request that a line reports, or None for any other line.

    Raises:
        ValueError: the line begins like one but is none.
    """
    return _parse(line, SENT, Sent)


def _parse(line: str, prefix: str, kind: Callable[..., T]) -> T | None:
    if not line.startswith(prefix):
        return None
    try:
        return kind(**json.loads(line[len(prefix) :]))
    except TypeError as error:
        raise ValueError(f"not a request: {line!r}") from error


def quantile(values: Iterable[float], q: float) -> float | None:
    """Return the smallest value that a share q of all values does not exceed; None without values."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(q * len(ordered)) - 1)] if ordered else None


def window(
    requests: Iterable[Request], start: float, width: float, sent: Iterable[Sent] | None = None
) -> Window:
    """Summarize [start, start + width): `offered` counts requests sent in it, the rest those that ended.

    Without `sent`, a request counts as sent only once it has ended.
    """
    requests = list(requests)
    ended = [r for r in requests if start <= r.ended < start + width]
    ok = [r for r in ended if r.outcome == "ok"]
    return Window(
        offered=sum(start <= r.at < start + width for r in (requests if sent is None else sent)) / width,
        ok=len(ok) / width,
        rejected=sum(r.outcome == "rejected" for r in ended) / width,
        failed=sum(r.outcome == "failed" for r in ended) / width,
        tokens=sum(r.tokens for r in ok) / width,
        p95=quantile((r.seconds for r in ok), 0.95),
    )
