"""Each claim of a verdict is red when what it claims did not happen, and for that reason."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dev.fault.calls import Call
from dev.fault.table import FAULTS
from dev.fault.timeline import AlertChange, Series, Timeline
from dev.fault.verdict import judge
from tests.dev.fault.timelines import timeline

POD = "llm-api-0"
ALERT = FAULTS["runtime-503"].alert


def call(at: float, **changes: object) -> Call:
    return replace(Call(at, "clients", stream=False, seconds=0.5, status=200), **changes)  # type: ignore[arg-type]


def busy(at: float, **changes: object) -> Call:
    return call(at, **{"status": 503, "code": "runtime_busy", "retry_after": "2"} | changes)


def good() -> Timeline:
    """A run of runtime-503 in which everything happened: the fault lasted from 10 to 20."""
    calls = [
        *(call(float(at)) for at in range(10)),
        *(busy(float(at)) for at in range(10, 20)),
        *(call(float(at)) for at in range(20, 40)),
    ]
    return timeline(
        FAULTS["runtime-503"],
        calls,
        alerts=[AlertChange(14, ALERT, True), AlertChange(25, ALERT, False)],
        counters={POD: [Series("llm_requests_total", [(1, 1), (2, 5), (3, 5)])]},
        starts={POD: [(1, 1000), (2, 1000), (3, 1000)]},
    )


def test_a_run_in_which_everything_happened_is_green() -> None:
    assert [str(finding) for finding in judge(good()) if not finding.ok] == []


def never_fired(run: Timeline) -> None:
    run.alerts = [AlertChange(14, "LLMRuntimeDown", True)]


def fired_late(run: Timeline) -> None:
    run.within = 3


def never_resolved(run: Timeline) -> None:
    run.alerts.pop()


def resolved_during_the_fault(run: Timeline) -> None:
    run.alerts[-1] = AlertChange(18, ALERT, False)


def failed_before(run: Timeline) -> None:
    run.calls[3] = busy(3)


def no_calls_before(run: Timeline) -> None:
    run.calls = [c for c in run.calls if c.at >= 10]


def other_code(run: Timeline) -> None:
    run.calls[12] = busy(12, code="runtime_error")


def no_retry_after(run: Timeline) -> None:
    run.calls[12] = busy(12, retry_after="")


def nobody_noticed(run: Timeline) -> None:
    run.calls = [call(c.at) for c in run.calls]


def hung(run: Timeline) -> None:
    run.calls[12] = call(12, status=0, code="hang", seconds=40.0)


def cut(run: Timeline) -> None:
    run.calls[12] = call(12, cut=True, detail="the stream ended")


def never_recovered(run: Timeline) -> None:
    run.calls[-1] = busy(39)


def recovered_late(run: Timeline) -> None:
    run.calls[-15:-14] = [busy(25)]
    run.within = 5


def counter_fell(run: Timeline) -> None:
    run.counters = {POD: [Series("llm_requests_total", [(1, 5), (2, 1)])]}


def nothing_scraped(run: Timeline) -> None:
    run.counters, run.left = {}, None


def request_left(run: Timeline) -> None:
    run.left = 1


@pytest.mark.parametrize(
    ("change", "claim", "reason"),
    [
        (never_fired, "LLMAvailabilityBurnFast fires", "others that did: LLMRuntimeDown"),
        (fired_late, "LLMAvailabilityBurnFast fires within 3 s", "4 s"),
        (never_resolved, "is resolved", "still firing 20 s"),
        (resolved_during_the_fault, "is resolved", "while the fault lasted"),
        (failed_before, "before the fault", "503 runtime_busy"),
        (no_calls_before, "before the fault", "no call was made"),
        (other_code, "only what the fault declares", "503 runtime_error"),
        (no_retry_after, "only what the fault declares", "503 runtime_busy, no detail"),
        (nobody_noticed, "only what the fault declares", "reached nobody"),
        (hung, "no call hangs", "hang"),
        (cut, "no answer is cut", "the stream ended"),
        (never_recovered, "answered again", "503 runtime_busy"),
        (recovered_late, "answered again", "after 6.0 s"),
        (counter_fell, "no counter goes backwards", "fell from 5 to 1"),
        (nothing_scraped, "no counter goes backwards", "no counter was scraped"),
        (request_left, "no request is left", "1 running or waiting"),
        (nothing_scraped, "no request is left", "unknown"),
    ],
)
def test_a_claim_is_red_for_its_own_reason(
    change: Callable[[Timeline], None], claim: str, reason: str
) -> None:
    run = good()
    change(run)
    red = [str(finding) for finding in judge(run) if not finding.ok and claim in finding.claim]
    assert len(red) == 1
    assert reason in red[0]


def test_a_counter_may_fall_where_its_process_started_again() -> None:
    run = good()
    run.counters = {POD: [Series("llm_requests_total", [(1, 5), (2, 1)])]}
    run.starts = {POD: [(1, 1000), (2, 2000)]}
    assert all(finding.ok for finding in judge(run))


def test_a_killed_gateway_may_cut_answers_but_not_after_the_fault() -> None:
    run = replace(good(), fault=replace(FAULTS["gateway-killed"], alert=ALERT))
    run.calls = [c for c in run.calls if c.ok]
    run.calls += [call(12, code="reset", cut=True), call(13, status=0, code="refused")]
    assert [str(finding) for finding in judge(run) if not finding.ok] == []
    run.calls.append(call(21, code="reset", cut=True))
    assert "no answer is cut" in " ".join(finding.claim for finding in judge(run) if not finding.ok)
