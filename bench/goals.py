"""The goals, and whether a run meets them. All are ratios within the one run. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.stats import Rounds, Spread, added, medians, ratios, spread

DIRECT, GATEWAY, PEER = "direct", "gateway", "litellm"

ADDED_AT_MOST = 0.7  # of the direct call's own median: the same HTTP stack once more would be 1.0
STREAM_RATE_AT_LEAST = 0.98
THROUGHPUT_AT_LEAST = 0.5
TIMES_BETTER_THAN_PEER = 5.0


@dataclass(frozen=True)
class Finding:
    """One goal and what was measured for it."""

    goal: str
    value: Spread
    limit: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the median of the rounds keeps to the limit."""
        return self.value.median <= self.limit if self.at_most else self.value.median >= self.limit

    def __str__(self) -> str:
        """The finding as a line."""
        word = "at most" if self.at_most else "at least"
        return f"{'met   ' if self.met else 'MISSED'}  {self.goal}: {self.value}, goal {word} {self.limit:g}"


def latency(what: str, calls: Mapping[str, Rounds]) -> Finding:
    """What the gateway adds to a direct call, as a part of the direct call. Calls in seconds."""
    extra = added(calls[DIRECT], calls[GATEWAY])
    return Finding(
        f"{what}, added / direct", spread(ratios(extra, medians(calls[DIRECT]))), ADDED_AT_MOST, at_most=True
    )


def rate(what: str, rates: Mapping[str, Sequence[float]], limit: float) -> Finding:
    """What is left of a direct rate through the gateway. Rates per second, one a round."""
    return Finding(f"{what}, gateway / direct", spread(ratios(rates[GATEWAY], rates[DIRECT])), limit)


def peer_latency(what: str, calls: Mapping[str, Rounds]) -> Finding:
    """How many times more the peer adds than the gateway. Calls in seconds."""
    gateway, peer = (added(calls[DIRECT], calls[name]) for name in (GATEWAY, PEER))
    return Finding(
        f"{what}, LiteLLM adds / gateway adds", spread(ratios(peer, gateway)), TIMES_BETTER_THAN_PEER
    )


def peer_rate(what: str, rates: Mapping[str, Sequence[float]]) -> Finding:
    """How many times more the gateway serves than the peer. Rates per second, one a round."""
    return Finding(
        f"{what}, gateway / LiteLLM", spread(ratios(rates[GATEWAY], rates[PEER])), TIMES_BETTER_THAN_PEER
    )
