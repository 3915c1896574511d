"""Statistics of rounds: each round's median, the median of the rounds, and their spread. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

ALMOST_ZERO = 1e-9
Rounds = Sequence[Sequence[float]]  # the values of each round, in the order in which they were taken


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, and their first and third quartile."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.median:.3g}"
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"


def spread(values: Sequence[float]) -> Spread:
    """Return the spread of one value per round.

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
    """Return the median of each round."""
    return [statistics.median(values) for values in rounds]


def added(direct: Rounds, through: Rounds) -> list[float]:
    """Return what a call costs more than a direct one; taken within each round, so that drift cancels."""
    return [there - here for here, there in zip(medians(direct), medians(through), strict=True)]


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Return above / below for each round; a `below` of 0 or less, which is noise, counts as almost zero."""
    return [one / max(other, ALMOST_ZERO) for one, other in zip(above, below, strict=True)]
