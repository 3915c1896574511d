"""The goals, and whether a run meets them. Pure; all but the overload's are ratios within one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.stats import Rounds, Spread, added, medians, ratios, spread

DIRECT, GATEWAY, FLOOR, PEER = "direct", "gateway", "envoy", "litellm"

ADDED_AT_MOST = 0.7  # of the direct call's own median: the same HTTP stack once more would add 1.0
STREAM_RATE_AT_LEAST = 0.98
THROUGHPUT_AT_LEAST = 0.5
TIMES_THE_FLOOR = 2.5
PACED_RATE_AT_LEAST = 0.6
SMOOTH_AT_LEAST = 0.98
TIMES_BETTER_THAN_PEER = 10.0


@dataclass(frozen=True)
class Finding:
    """A goal and what was measured for it."""

    goal: str
    value: Spread
    limit: float
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the median of the rounds is within the limit."""
        return self.value.median <= self.limit if self.at_most else self.value.median >= self.limit

    def __str__(self) -> str:
        word = "at most" if self.at_most else "at least"
        return f"{'met   ' if self.met else 'MISSED'}  {self.goal}: {self.value}, goal {word} {self.limit:g}"


def latency(what: str, calls: Mapping[str, Rounds]) -> Finding:
    """Judge what the gateway adds to a direct call, as a fraction of the direct call; calls in seconds."""
    extra = added(calls[DIRECT], calls[GATEWAY])
    return Finding(
        f"{what}, added / direct", spread(ratios(extra, medians(calls[DIRECT]))), ADDED_AT_MOST, at_most=True
    )


def rate(what: str, rates: Mapping[str, Sequence[float]], limit: float) -> Finding:
    """Judge how much of a direct rate is left through the gateway; rates per second, one per round."""
    return Finding(f"{what}, gateway / direct", spread(ratios(rates[GATEWAY], rates[DIRECT])), limit)


def peer_latency(what: str, calls: Mapping[str, Rounds]) -> Finding:
    """Judge how many times more the peer adds than the gateway; calls in seconds."""
    gateway, peer = (added(calls[DIRECT], calls[name]) for name in (GATEWAY, PEER))
    return Finding(
        f"{what}, LiteLLM adds / gateway adds", spread(ratios(peer, gateway)), TIMES_BETTER_THAN_PEER
    )


def peer_rate(what: str, rates: Mapping[str, Sequence[float]]) -> Finding:
    """Judge how many times more the gateway serves than the peer; rates per second, one per round."""
    return Finding(
        f"{what}, gateway / LiteLLM", spread(ratios(rates[GATEWAY], rates[PEER])), TIMES_BETTER_THAN_PEER
    )


def floor(what: str, gateway: Sequence[float], envoy: Sequence[float]) -> Finding:
    """Judge a cost of the gateway beside that of a proxy that does nothing; one value per round."""
    return Finding(f"{what}, gateway / Envoy", spread(ratios(gateway, envoy)), TIMES_THE_FLOOR, at_most=True)


def peer_cost(what: str, costs: Mapping[str, Sequence[float]]) -> Finding:
    """Judge how many times more something costs the peer than the gateway; one value per round."""
    return Finding(
        f"{what}, LiteLLM / gateway", spread(ratios(costs[PEER], costs[GATEWAY])), TIMES_BETTER_THAN_PEER
    )
