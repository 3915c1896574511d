"""A histogram for one thread: it has none of prometheus_client's locks, and takes a quarter of its time.

A generation observes six values, so this is a twentieth of the CPU time of a call (docs/performance.md).
"""

import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import Exemplar, HistogramMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry
from prometheus_client.utils import INF, floatToGoString


class Series:
    """The values that were observed for one value of the label."""

    __slots__ = ("_bounds", "_counts", "_exemplars", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts, self._sum = [0] * len(bounds), 0.0
        self._exemplars: list[Exemplar | None] = [None] * len(bounds)

    def observe(self, value: float, exemplar: Mapping[str, str] | None = None) -> None:
        """Count a value, and keep the exemplar as the newest of its bucket."""
        bucket = bisect_left(self._bounds, value)
        self._counts[bucket] += 1
        self._sum += value
        if exemplar:
            self._exemplars[bucket] = Exemplar(dict(exemplar), value, time.time())

    def add_to(self, family: HistogramMetricFamily, label: str) -> None:
        """Add the samples to a family, whose buckets are cumulative."""
        bounds = map(floatToGoString, self._bounds)
        samples = zip(bounds, accumulate(self._counts), self._exemplars, strict=True)
        buckets = [(le, count, exemplar) if exemplar else (le, count) for le, count, exemplar in samples]
        family.add_metric([label], buckets, self._sum)


class Histogram(Collector):
    """A histogram with one label.

    Args:
        name: The name of the metric.
        text: What it measures.
        label: The name of the label.
        buckets: Their upper bounds, rising; the last one, infinity, is added.
        registry: Where it is collected.
    """

    def __init__(
        self, name: str, text: str, label: str, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._text, self._label, self._bounds = name, text, label, (*buckets, INF)
        self._series: dict[str, Series] = {}
        registry.register(self)

    def labels(self, value: str) -> Series:
        """Return the series of a value of the label; it begins with counts of 0."""
        return self._series.setdefault(value, Series(self._bounds))

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily(self._name, self._text, labels=[self._label])
        for label, series in self._series.items():
            series.add_to(family, label)
        yield family
