"""Each claim of the proof holds, or fails with its reason."""

from collections.abc import Callable

import pytest

from dev.autoscale.timeline import Timeline
from dev.autoscale.verdict import (
    Finding,
    judge,
    none_failed,
    obstacle,
    reversals,
    scaled_down,
    scaled_up,
    stable,
)
from tests.dev.recorded import LOAD_ENDS, request, scaler, timeline

NEVER_UP = [1] * 21
NEVER_DOWN = [1, 1, 2] + [3] * 18
UNKNOWN = "FailedGetResourceMetric: no metrics returned from resource metrics API"
EXTERNAL = "FailedGetExternalMetric: unable to get external metric"


def failed(findings: list[Finding]) -> list[str]:
    return [str(f) for f in findings if not f.ok]


def test_a_complete_proof_passes() -> None:
    findings = judge(timeline())
    assert failed(findings) == []
    assert len(findings) == 7
    assert "1 to 3, after 10 s of load; ready after 10 s" in str(findings[0])
    assert "back at 1, 20 s after the load" in str(findings[1])


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (lambda: timeline(api=NEVER_UP, inactive=UNKNOWN, metric=None), "metrics-server"),
        (lambda: timeline(api=NEVER_UP, inactive=EXTERNAL, kind="queue", metric=None), "KEDA or Prometheus"),
        (lambda: timeline(api=NEVER_UP, maximum=1), "its maximum is 1"),
        (lambda: timeline(api=NEVER_UP, metric=41.0), "reached 41% of a target of 60%"),
        (lambda: timeline(api=NEVER_UP, metric=2.0, target=3.0, kind="queue"), "2 requests of a target of 3"),
        (lambda: timeline(api=NEVER_UP, metric=None), "never known"),
        (lambda: timeline(ready=1), "only 1 became ready"),
        (lambda: timeline(api=[2] * 21), "started with 2 replicas"),
    ],
)
def test_an_autoscaler_that_did_not_scale_up_fails_with_its_likely_reason(
    seen: Callable[[], Timeline], reason: str
) -> None:
    finding = scaled_up(seen(), "llm-api")
    assert not finding.ok
    assert reason in finding.detail


def test_a_metric_that_was_unknown_only_at_the_start_is_not_the_reason() -> None:
    seen = timeline(api=NEVER_UP, metric=41.0)
    for sample in seen.samples[:3]:
        sample.scalers["llm-api"].__dict__.update(inactive=UNKNOWN)
    assert "reached 41%" in scaled_up(seen, "llm-api").detail


def test_a_workload_without_an_autoscaler_fails_every_claim_about_it() -> None:
    seen = timeline()
    for sample in seen.samples:
        sample.scalers.pop("llm-runtime")  # type: ignore[attr-defined]
    assert "autoscaling.mode is none" in scaled_up(seen, "llm-runtime").detail
    assert not scaled_down(seen, "llm-runtime").ok


def test_replicas_that_remain_fail_with_the_window_to_shorten() -> None:
    finding = scaled_down(timeline(api=NEVER_DOWN), "llm-api")
    assert not finding.ok
    assert "still 3 replicas 60 s after the load" in finding.detail
    assert "stabilizationWindowSeconds" in finding.detail


def test_going_up_and_down_is_one_reversal() -> None:
    assert reversals(timeline().of("llm-api")) == [170.0]
    assert stable(timeline(), "llm-api").ok


def test_down_and_up_again_within_five_minutes_is_one_too_many() -> None:
    flapping = [1, 2, 2, 2, 1, 1, 2, 2] + [2] * 12 + [1]
    finding = stable(timeline(api=flapping), "llm-api")
    assert not finding.ok
    assert "at 40 s and again at 60 s" in finding.detail


def test_reversals_more_than_five_minutes_apart_are_stable() -> None:
    seen = timeline(api=[1, 2, 1] + [1] * 17 + [2])
    late = seen.samples[-1]
    late.__dict__.update(at=400.0)
    assert reversals(seen.of("llm-api")) == [20.0, 400.0]
    assert stable(seen, "llm-api").ok


def test_a_request_that_fails_while_scaling_down_fails_the_proof() -> None:
    requests = [
        request(50.0),
        request(LOAD_ENDS + 5),
        request(LOAD_ENDS + 9, "failed", error="reset by peer"),
    ]
    finding = none_failed(timeline(requests=requests))
    assert not finding.ok
    assert "1 failed then, 0 before" in finding.detail
    assert "status 502, reset by peer" in finding.detail


def test_rejections_while_the_load_is_up_are_not_failures() -> None:
    assert none_failed(timeline(requests=[request(60.0, "rejected"), request(LOAD_ENDS + 5)])).ok


def test_no_request_while_scaling_down_proves_nothing() -> None:
    assert "proves nothing" in none_failed(timeline(requests=[request(50.0)])).detail


def test_obstacles_are_found_before_any_load() -> None:
    assert obstacle(scaler()) == ""
    assert "mode is none" in obstacle(None)
    assert "maxReplicas" in obstacle(scaler(maximum=1))
    assert "metrics-server" in obstacle(scaler(inactive=UNKNOWN))
