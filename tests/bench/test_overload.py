"""The goals of the overload, judged on made-up rounds."""

from dataclasses import replace

import pytest

from bench import BenchError
from bench.overload import Round, judge

GOOD = Round(
    capacity=20.0,
    goodput=19.0,
    answered=100,
    refused=[0.004] * 99 + [0.03],
    lost=0,
    idle_after=1.0,
    memory=70_000_000,
)


def test_a_gateway_that_copes_meets_every_goal() -> None:
    findings = judge(GOOD, GOOD, GOOD)
    assert [finding.met for finding in findings] == [True] * 5
    assert "goodput / capacity: 0.95" in str(findings[0])
    assert "P99 of 200 refusals, ms: 29.7" in str(findings[1])


@pytest.mark.parametrize(
    ("place", "bad"),
    [
        (0, replace(GOOD, goodput=17.9)),
        (1, replace(GOOD, refused=[0.004] * 95 + [0.06] * 5)),
        (2, replace(GOOD, memory=74_000_000)),
        (3, replace(GOOD, idle_after=10.1)),
        (4, replace(GOOD, lost=1)),
    ],
)
def test_each_goal_can_be_missed_alone(place: int, bad: Round) -> None:
    met = [finding.met for finding in judge(GOOD, bad, bad)]
    assert met == [number != place for number in range(5)]


def test_the_warm_up_is_not_judged() -> None:
    assert all(finding.met for finding in judge(replace(GOOD, goodput=1.0, lost=9), GOOD, GOOD))


def test_a_round_without_refusals_was_no_overload() -> None:
    with pytest.raises(BenchError, match="no overload"):
        judge(GOOD, replace(GOOD, refused=[]))
