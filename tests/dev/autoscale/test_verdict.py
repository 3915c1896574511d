"""Each demand of the proof is met, or fails with its reason."""

from collections.abc import Callable

import pytest

from dev.autoscale.timeline import Timeline
from dev.autoscale.verdict import Finding, calm, judge, obstacle, returned, rose, turns, unharmed
from tests.dev.recorded import FALLS, request, scaler, timeline

STILL = [1] * 21
NEVER_BACK = [1, 1, 2] + [3] * 18
UNKNOWN = "FailedGetResourceMetric: no metrics returned from resource metrics API"
EXTERNAL = "FailedGetExternalMetric: unable to get external metric"


def failed(findings: list[Finding]) -> list[str]:
    return [str(f) for f in findings if not f.ok]


def test_a_whole_proof_passes() -> None:
    findings = judge(timeline())
    assert failed(findings) == []
    assert len(findings) == 7
    assert "1 to 3; told after 10 s of rising load, ready after 10 s" in str(findings[0])
    assert "at 1 again 20 s after the load" in str(findings[1])


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (lambda: timeline(api=STILL, inactive=UNKNOWN, metric=None), "metrics-server"),
        (lambda: timeline(api=STILL, inactive=EXTERNAL, kind="queue", metric=None), "KEDA or Prometheus"),
        (lambda: timeline(api=STILL, maximum=1), "its maximum is 1"),
        (lambda: timeline(api=STILL, metric=41.0), "reached 41% of a target of 60%"),
        (lambda: timeline(api=STILL, metric=2.0, target=3.0, kind="queue"), "2 requests of a target of 3"),
        (lambda: timeline(api=STILL, metric=None), "never known"),
        (lambda: timeline(ready=1), "only 1 got ready"),
        (lambda: timeline(api=[2] * 21), "began with 2 replicas"),
    ],
)
def test_an_autoscaler_that_did_not_grow_is_told_with_its_likely_reason(
    seen: Callable[[], Timeline], reason: str
) -> None:
    finding = rose(seen(), "llm-api")
    assert not finding.ok
    assert reason in finding.says


def test_a_metric_that_was_unknown_only_at_the_start_is_not_the_reason() -> None:
    seen = timeline(api=STILL, metric=41.0)
    for sample in seen.samples[:3]:
        sample.scalers["llm-api"].__dict__.update(inactive=UNKNOWN)
    assert "reached 41%" in rose(seen, "llm-api").says


def test_a_workload_without_an_autoscaler_fails_every_demand_on_it() -> None:
    seen = timeline()
    for sample in seen.samples:
        sample.scalers.pop("llm-runtime")  # type: ignore[attr-defined]
    assert "autoscaling.mode is none" in rose(seen, "llm-runtime").says
    assert not returned(seen, "llm-runtime").ok


def test_replicas_that_stay_are_told_with_the_window() -> None:
    finding = returned(timeline(api=NEVER_BACK), "llm-api")
    assert not finding.ok
    assert "still 3 replicas 60 s after the load" in finding.says
    assert "stabilizationWindowSeconds" in finding.says


def test_going_up_and_down_is_one_change_of_mind() -> None:
    assert turns(timeline().of("llm-api")) == [170.0]
    assert calm(timeline(), "llm-api").ok


def test_down_and_up_again_within_five_minutes_is_one_too_many() -> None:
    flapping = [1, 2, 2, 2, 1, 1, 2, 2] + [2] * 12 + [1]
    finding = calm(timeline(api=flapping), "llm-api")
    assert not finding.ok
    assert "at 40 s and again at 60 s" in finding.says


def test_changes_of_mind_more_than_five_minutes_apart_are_calm() -> None:
    seen = timeline(api=[1, 2, 1] + [1] * 17 + [2])
    late = seen.samples[-1]
    late.__dict__.update(at=400.0)
    assert turns(seen.of("llm-api")) == [20.0, 400.0]
    assert calm(seen, "llm-api").ok


def test_a_request_that_fails_while_scaling_down_fails_the_proof() -> None:
    requests = [request(50.0), request(FALLS + 5), request(FALLS + 9, "failed", error="reset by peer")]
    finding = unharmed(timeline(requests=requests))
    assert not finding.ok
    assert "1 failed then, 0 before" in finding.says
    assert "status 502, reset by peer" in finding.says


def test_refusals_while_the_load_is_up_are_no_failures() -> None:
    assert unharmed(timeline(requests=[request(60.0, "refused"), request(FALLS + 5)])).ok


def test_no_request_while_scaling_down_proves_nothing() -> None:
    assert "nothing is proven" in unharmed(timeline(requests=[request(50.0)])).says


def test_obstacles_are_known_before_any_load() -> None:
    assert obstacle(scaler()) == ""
    assert "mode is none" in obstacle(None)
    assert "maxReplicas" in obstacle(scaler(maximum=1))
    assert "metrics-server" in obstacle(scaler(inactive=UNKNOWN))
