"""The watcher waits until a proof can begin, and ends when it is over."""

from collections.abc import Iterator
from typing import Any

import pytest

from dev.autoscale import watch as autoscale_watch
from dev.autoscale.timeline import Event, Scaler, Timeline
from dev.autoscale.watch import Watch, finished, line, ready
from tests.dev.recorded import BEGAN, LOAD_ENDS, scaler, timeline
from tests.waiting import SECONDS

REST = {"llm-api": scaler(), "llm-runtime": scaler(maximum=2)}


class FakeCluster:
    """Returns the states given, one after the other, and the last one from then on."""

    def __init__(self, *states: dict[str, Scaler]) -> None:
        self.states = list(states)

    def scalers(self) -> dict[str, Scaler]:
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]

    def demand(self) -> tuple[float, float]:
        return 2.0, 5.0

    def events(self, since: float) -> list[tuple[str, Event]]:
        return [("uid/1", Event(3.0, "llm-api", "SuccessfulRescale", "New size: 2"))]


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoscale_watch, "SAMPLE_SECONDS", 0.0)


def begin(*states: dict[str, Scaler]) -> tuple[dict[str, Scaler], list[str]]:
    printed: list[str] = []
    cluster: Any = FakeCluster(*states)
    return ready(cluster, printed.append), printed


def test_a_proof_begins_when_both_have_one_replica_and_a_known_metric() -> None:
    early = {**REST, "llm-api": scaler(metric=None)}
    grown = {**REST, "llm-runtime": scaler(2)}
    found, printed = begin(early, grown, REST)
    assert found == REST
    assert printed == [
        "waiting: llm-api: no metric yet",
        "waiting: llm-runtime: 2 replicas, which must first be 1 again",
    ]


@pytest.mark.parametrize("hopeless", [{"llm-api": scaler()}, {**REST, "llm-runtime": scaler(maximum=1)}])
def test_an_obstacle_that_waiting_cannot_remove_ends_the_wait(hopeless: dict[str, Scaler]) -> None:
    assert begin(hopeless, REST) == (hopeless, [])


def test_the_wait_for_a_metric_ends_at_its_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autoscale_watch, "READY_SECONDS", -1.0)
    unknown = {**REST, "llm-api": scaler(metric=None, inactive="FailedGetResourceMetric: none")}
    assert begin(unknown)[0] == unknown


def test_samples_and_events_are_recorded_and_each_event_is_printed_once() -> None:
    printed: list[str] = []
    cluster: Any = FakeCluster(REST)
    watch = Watch(cluster, Timeline(BEGAN, 10, 20, {}), printed.append)
    watch.sample()
    watch.sample()
    assert [s.waiting for s in watch.timeline.samples] == [5.0, 5.0]
    assert printed == ["    3 s  llm-api: SuccessfulRescale: New size: 2"]


def test_requests_are_collected_from_k6s_log_as_it_comes() -> None:
    def lines() -> Iterator[str]:
        yield 'REQ {"at":1,"outcome":"ok","status":200,"seconds":1}'
        yield "a line of k6"

    watch = Watch(Any, Timeline(BEGAN, 10, 20, {}), print)  # type: ignore[arg-type]
    watch.listen(lines()).join(SECONDS)
    assert [r.outcome for r in watch.timeline.requests] == ["ok"]
    assert watch.ended.is_set()


def test_the_watch_ends_when_both_have_been_at_their_minimum_for_a_while() -> None:
    seen = timeline(api=[1, 2, *[2] * 16, 1, 1, 1], runtime=[1, 2, *[2] * 15, 1, 1, 1, 1])
    states = [finished(Timeline(BEGAN, 20, LOAD_ENDS, {}, seen.samples[: n + 1]), 900.0) for n in range(21)]
    assert states.index(True) == 19


def test_the_watch_ends_early_if_nothing_scaled_up_and_otherwise_at_its_limit() -> None:
    still = timeline(api=[1] * 21, runtime=[1] * 21)
    assert finished(still, 900.0)
    assert not finished(Timeline(BEGAN, 20, LOAD_ENDS, {}, still.samples[:14]), 900.0)
    stuck = timeline(api=[1] + [3] * 20)
    assert not finished(stuck, 900.0)
    assert finished(stuck, 200.0)


def test_a_line_has_load_queue_latency_and_replicas() -> None:
    text = line(timeline().samples[4])
    assert "running+waiting   2+4  P95  0.90s  llm-api 3/3 (80 of 60%)" in text
    assert "(unknown of 60%)" in line(timeline(inactive="FailedGetResourceMetric").samples[0])
