"""The gateway's histogram beside prometheus_client's own, which it stands in for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_api.histogram import Histogram
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Histogram as Library
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

BUCKETS = (0.001, 0.5, 1, 160)
VALUES = st.floats(0, 1000) | st.sampled_from((*BUCKETS, math.inf))


def both() -> tuple[CollectorRegistry, Histogram, CollectorRegistry, Library]:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    named = ("llm_test_seconds", "A test.")
    library = Library(*named, ["model"], buckets=BUCKETS, registry=theirs)
    return ours, Histogram(*named, "model", BUCKETS, ours), theirs, library


@given(st.lists(st.tuples(st.sampled_from("ab"), VALUES)))
def test_it_exports_what_the_librarys_exports(observed: list[tuple[str, float]]) -> None:
    ours, histogram, theirs, library = both()
    for label, value in observed:
        histogram.labels(label).observe(value)
        library.labels(label).observe(value)
    assert generate_latest(ours) == generate_latest(theirs)


def test_its_exemplars_are_the_librarys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1000.0)
    ours, histogram, theirs, library = both()
    for value, trace in ((0.7, "1"), (0.2, None), (0.8, "2"), (500, "3")):
        for each in (histogram, library):
            each.labels("a").observe(value, {"trace_id": trace} if trace else None)
    assert openmetrics(ours) == openmetrics(theirs)  # type: ignore[no-untyped-call]
    assert openmetrics(ours).count(b"trace_id") == 2  # type: ignore[no-untyped-call]
