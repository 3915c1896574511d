"""`--prove-red` makes the right claims of each fault fail, and notices when another does."""

from dataclasses import replace

import pytest

from dev.fault import red
from dev.fault.calls import Call
from dev.fault.fault import ANYWHERE, Fault
from dev.fault.table import FAULTS, TABLE
from dev.fault.timeline import Series, Timeline
from dev.fault.verdict import alert_fires, alert_resolves, expected_answers, recovers
from tests.dev.fault.timelines import timeline


def seen(fault: Fault) -> Timeline:
    """A run without alerts in which clients notice the fault until after it should have ended."""
    lane = "clients" if fault.harmless or "clients" in fault.answers else "flood"
    failed = Call(0.0, lane, stream=False, seconds=0.5, status=503, code="any")
    answered = Call(0.0, "clients", stream=False, seconds=0.5, status=200)
    calls = [
        *(replace(answered, at=float(at)) for at in range(10 if lane == "clients" else 40)),
        *(replace(failed, at=float(at)) for at in range(10, 40)),
    ]
    counters = {"llm-api-0": [Series("llm_requests_total", [(1, 1), (2, 5)])]}
    return timeline(red.sabotaged(fault), calls, counters=counters)


@pytest.mark.parametrize("fault", TABLE, ids=lambda fault: fault.name)
def test_the_claims_of_each_fault_can_fail(fault: Fault) -> None:
    finding = red.judge(seen(fault), fault)
    assert finding.ok, finding.detail
    assert expected_answers.__name__ in finding.detail


def test_what_must_be_red_are_the_alert_the_answers_and_the_recovery() -> None:
    assert red.due(FAULTS["hang"]) == [alert_fires, alert_resolves, expected_answers, recovers]
    assert red.due(FAULTS["prometheus-down"]) == [expected_answers, recovers]
    assert recovers not in red.due(FAULTS["key-over-limit"])


def test_a_claim_that_stays_green_is_found() -> None:
    fault = FAULTS["hang"]
    run = seen(fault)
    run.calls += [replace(run.calls[0], at=float(at)) for at in range(40, 60)]
    finding = red.judge(run, fault)
    assert not finding.ok
    assert finding.detail.startswith("ok    after the fault, calls are answered again")


def test_a_claim_that_is_red_without_need_is_found() -> None:
    run = seen(FAULTS["hang"])
    run.left = 1
    finding = red.judge(run, FAULTS["hang"])
    assert not finding.ok
    assert finding.detail == "FAIL  no request is left running: 1 running or waiting"


def test_no_fault_ends_by_itself_and_those_without_a_cluster_still_need_none() -> None:
    for fault in TABLE:
        assert red.sabotaged(fault).action not in red.FOR_GOOD
    assert set(red.FOR_GOOD.values()) <= set(ANYWHERE)
