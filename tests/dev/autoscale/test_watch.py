"""The watcher waits until a proof can begin, and knows when it is over."""

from collections.abc import Iterator
from typing import Any

import pytest

from dev.autoscale import watch as autoscale_watch
from dev.autoscale.timeline import Event, Scaler, Timeline
from dev.autoscale.watch import Watch, finished, line, ready
from tests.dev.recorded import BEGAN, FALLS, scaler, timeline

REST = {"llm-api": scaler(), "llm-runtime": scaler(maximum=2)}


class FakeCluster:
    """Gives what it was told to, the last of it for ever."""

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
    monkeypatch.setattr(autoscale_watch, "LOOK_SECONDS", 0.0)


def begin(*states: dict[str, Scaler]) -> tuple[dict[str, Scaler], list[str]]:
    said: list[str] = []
    cluster: Any = FakeCluster(*states)
    return ready(cluster, said.append), said


def test_a_proof_begins_when_both_rest_at_one_replica_with_a_known_metric() -> None:
    early = {**REST, "llm-api": scaler(metric=None)}
    grown = {**REST, "llm-runtime": scaler(2)}
    found, said = begin(early, grown, REST)
    assert found == REST
    assert said == [
        "waiting: llm-api: no metric yet",
        "waiting: llm-runtime: 2 replicas, going back to 1 first",
    ]


@pytest.mark.parametrize("hopeless", [{"llm-api": scaler()}, {**REST, "llm-runtime": scaler(maximum=1)}])
def test_what_waiting_cannot_mend_is_not_waited_for(hopeless: dict[str, Scaler]) -> None:
    assert begin(hopeless, REST) == (hopeless, [])


def test_a_metric_that_stays_unknown_is_waited_for_no_longer_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(autoscale_watch, "READY_SECONDS", -1.0)
    unknown = {**REST, "llm-api": scaler(metric=None, inactive="FailedGetResourceMetric: none")}
    assert begin(unknown)[0] == unknown


def test_a_look_keeps_sample_and_events_and_tells_each_event_once() -> None:
    said: list[str] = []
    cluster: Any = FakeCluster(REST)
    watch = Watch(cluster, Timeline(BEGAN, 10, 20, {}), said.append)
    watch.look()
    watch.look()
    assert [s.waiting for s in watch.timeline.samples] == [5.0, 5.0]
    assert said == ["    3 s  llm-api: SuccessfulRescale: New size: 2"]


def test_requests_are_collected_from_k6s_log_as_it_comes() -> None:
    def lines() -> Iterator[str]:
        yield 'REQ {"at":1,"outcome":"ok","status":200,"seconds":1}'
        yield "a word of k6"

    watch = Watch(Any, Timeline(BEGAN, 10, 20, {}), print)  # type: ignore[arg-type]
    watch.listen(lines()).join(timeout=5)
    assert [r.outcome for r in watch.timeline.requests] == ["ok"]
    assert watch.ended.is_set()


def test_the_watch_ends_once_both_have_been_back_for_a_while() -> None:
    seen = timeline(api=[1, 2, *[2] * 16, 1, 1, 1], runtime=[1, 2, *[2] * 15, 1, 1, 1, 1])
    states = [finished(Timeline(BEGAN, 20, FALLS, {}, seen.samples[: n + 1]), 900.0) for n in range(21)]
    assert states.index(True) == 19


def test_the_watch_ends_early_when_nothing_rose_and_late_when_time_is_up() -> None:
    still = timeline(api=[1] * 21, runtime=[1] * 21)
    assert finished(still, 900.0)
    assert not finished(Timeline(BEGAN, 20, FALLS, {}, still.samples[:14]), 900.0)
    stuck = timeline(api=[1] + [3] * 20)
    assert not finished(stuck, 900.0)
    assert finished(stuck, 200.0)


def test_a_line_tells_load_queue_latency_and_replicas() -> None:
    text = line(timeline().samples[4])
    assert "running+waiting   2+4  P95  0.90s  llm-api 3/3 (80 of 60%)" in text
    assert "(unknown of 60%)" in line(timeline(inactive="FailedGetResourceMetric").samples[0])
