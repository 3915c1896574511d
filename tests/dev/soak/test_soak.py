"""A soak injects the same faults for the same seed, and is red when the gateway grew or lost count."""

import itertools
from dataclasses import replace

import pytest
from llm_api import errors

from dev.fault.calls import Call
from dev.fault.table import TABLE
from dev.soak.account import GROWTH, LOST, OUTCOMES, judge, outcome
from dev.soak.schedule import NOT_COUNTED, REST_SECONDS, schedule

CALL = Call(0.0, "clients", stream=False, status=200)
CALLS = (
    [CALL] * 5 + [replace(CALL, status=503, code="queue_full")] * 2 + [replace(CALL, code="model_crashed")]
)
COUNTED = {"ok": 5.0, "rejected": 2.0, "error": 1.0, "cancelled": 0.0}
USED = dict.fromkeys(GROWTH, 100.0)


def red(**changes: object) -> list[str]:
    given = {"calls": CALLS, "counted": COUNTED, "before": USED, "after": USED} | changes
    return [str(finding) for finding in judge(**given) if not finding.ok]  # type: ignore[arg-type]


def test_a_soak_that_lost_nothing_and_did_not_grow_is_green() -> None:
    assert red() == []


@pytest.mark.parametrize("code", LOST)
def test_a_call_without_an_answer_is_lost(code: str) -> None:
    assert "no request is lost" in red(calls=[*CALLS, replace(CALL, status=0, code=code)])[0]


@pytest.mark.parametrize("name", ["ok", "error", "timeout"])
def test_a_request_that_only_the_gateway_counts_is_red(name: str) -> None:
    (line,) = red(counted=COUNTED | {name: COUNTED.get(name, 0.0) + 1})
    assert line.startswith(f"FAIL  {name}: both sides count the same")


@pytest.mark.parametrize("name", GROWTH)
def test_growth_is_red_and_so_is_what_is_unknown(name: str) -> None:
    assert f"{name}: no growth" in red(after=USED | {name: 100.0 + GROWTH[name] + 1})[0]
    assert "unknown" in red(after={n: value for n, value in USED.items() if n != name})[0]


def test_without_requests_nothing_is_proven() -> None:
    assert red(calls=[], counted={}) == ["FAIL  no request is lost: 0 requests"]


def test_the_gateway_counts_a_code_as_the_soak_does() -> None:
    told = {
        answer.code
        for fault in TABLE
        if fault.name not in NOT_COUNTED
        for a in fault.answers.values()
        for answer in a
    }
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, errors.GatewayError)]
    for cls in classes:
        if cls.code in told:
            assert outcome(replace(CALL, status=cls.status, code=cls.code)) == cls.outcome, cls.code
    assert set(OUTCOMES) <= {cls.code for cls in classes}


def test_the_same_seed_injects_the_same_faults_one_after_the_other() -> None:
    first, again, other = (list(schedule(seed, 3600)) for seed in (1, 1, 2))
    assert first == again != other
    assert len({injection.fault.name for injection in first}) > 5
    for earlier, later in itertools.pairwise(first):
        assert earlier.begins < earlier.ends < later.begins
    assert first[-1].ends <= 3600 - REST_SECONDS
