"""The goals of the overload, judged on rounds that were made up."""

import pytest

from bench.overload import Round, judge


def rounds(**changes: object) -> list[Round]:
    """One to warm up, and two in which all goals are met but for the changes."""
    good = {"capacity": 20.0, "goodput": 19.0, "answered": 100, "idle_after": 1.0, "memory": 70_000_000}
    refused = [0.004] * 99 + [0.03]
    made = [Round(**good, refused=list(refused)) for _ in range(3)]  # type: ignore[arg-type]
    for name, value in changes.items():
        for one in made[1:]:
            setattr(one, name, value)
    return made


def test_a_gateway_that_bears_it_meets_every_goal() -> None:
    findings = judge(rounds())
    assert [met for met, _ in findings] == [True] * 5
    assert "goodput / capacity 0.950" in findings[0][1]
    assert "200 refusals: P50 4.0 ms, P95 4.0 ms" in findings[1][1]


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (0, {"goodput": 17.9}),
        (1, {"refused": [0.004] * 95 + [0.06] * 5}),
        (2, {"memory": 74_000_000}),
        (3, {"idle_after": 10.1}),
        (4, {"lost": 1}),
    ],
)
def test_each_goal_can_be_missed_alone(place: int, change: dict[str, object]) -> None:
    met = [met for met, _ in judge(rounds(**change))]
    assert met == [number != place for number in range(5)]


def test_a_round_without_refusals_was_no_overload() -> None:
    ((met, figures),) = judge(rounds(refused=[]))
    assert not met
    assert "no overload" in figures
