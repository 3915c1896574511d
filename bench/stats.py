"""The statistics of rounds: a round's median, the median of the rounds, and how far they lie apart. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

NEXT_TO_NOTHING = 1e-9
Rounds = Sequence[Sequence[float]]  # the values of each round, in the order in which they were taken


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, and their first and third quartile."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """The three as text, in three digits."""
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"


def spread(values: Sequence[float]) -> Spread:
    """The spread of one value a round.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no rounds")
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


def medians(rounds: Rounds) -> list[float]:
    """The median of each round."""
    return [statistics.median(values) for values in rounds]


def added(direct: Rounds, through: Rounds) -> list[float]:
    """What a call costs more than a direct one, round by round: rounds are near in time, so drift cancels."""
    return [there - here for here, there in zip(medians(direct), medians(through), strict=True)]


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """above / below, round by round; a `below` of 0 or less, which is noise, counts as next to nothing."""
    return [one / max(other, NEXT_TO_NOTHING) for one, other in zip(above, below, strict=True)]
