"""What is concluded from the requests around a drain and a node's death."""

from typing import Any

import pytest

from dev.load.output import Request
from dev.nodes import verdict
from dev.rollout.verdict import KINDS, Restart

AT = 1_000_000.0
DRAIN = Restart("drain of a", AT + 10, AT + 20)
KILLED, WHOLE = AT + 100, AT + 180
AFTER_ALL = "once it is whole, none that reaches it is lost"


def request(
    at: float, kind: str = KINDS[0], outcome: str = "ok", status: int = 200, error: str = ""
) -> Request:
    return Request(AT + at, 1.0, outcome, status, error=error, kind=kind)


GOOD = [request(at, kind) for kind in KINDS for at in (5, 15)]
AFTER = [request(at) for at in (101, 150, 190)]


def failures(findings: list[Any]) -> list[str]:
    return [finding.claim for finding in findings if not finding.ok]


def test_a_drain_that_loses_nothing_is_proven() -> None:
    assert failures(verdict.drained(DRAIN, GOOD, {})) == []


def test_a_lost_request_or_a_drain_that_does_not_end_is_a_failure() -> None:
    lost = [*GOOD, request(16, "call, new", "failed", 502, "the runtime broke")]
    assert failures(verdict.drained(DRAIN, lost, {})) == ["call, new: none is lost"]
    stuck = Restart("drain of a", AT + 10, AT + 20, "cannot evict")
    assert failures(verdict.drained(stuck, GOOD, {})) == ["a drain ends under load"]


def survived(*more: Request, **given: Any) -> list[str]:
    return failures(verdict.survived(KILLED, WHOLE, [*AFTER, *more], given.get("open", {})))


def test_a_death_is_survived_if_others_are_answered_and_what_is_lost_is_told() -> None:
    assert survived() == []
    assert survived(request(102, outcome="failed", status=502, error="the runtime is unreachable")) == []


@pytest.mark.parametrize(
    ("more", "claim"),
    [
        (request(102, outcome="failed", status=0), "what was lost is told"),
        (
            request(185, outcome="failed", status=502, error="unreachable"),
            "once it is whole, none that reaches it is lost",
        ),
    ],
)
def test_a_loss_without_a_reason_or_after_all_is_whole_is_a_failure(more: Request, claim: str) -> None:
    assert survived(more) == [claim]


def test_who_found_no_way_when_all_is_whole_is_told_of_and_no_loss_of_the_platform() -> None:
    astray = request(185, outcome="failed", status=0, error="dial: no route to host")
    ended = [request(190), astray]
    assert "the rest goes on" in failures(verdict.survived(KILLED, WHOLE, ended, {}))
    (finding,) = [f for f in verdict.survived(KILLED, WHOLE, ended, {}) if "reaches it" in f.claim]
    assert finding.ok
    assert "1 found no way" in finding.detail
    cut = request(185, outcome="failed", status=0, error="read: connection reset")
    assert survived(cut) == [AFTER_ALL]


def test_nothing_answered_meanwhile_or_left_hanging_is_a_failure() -> None:
    assert failures(verdict.survived(KILLED, WHOLE, [request(190)], {})) == ["the rest goes on"]
    assert survived(open={KINDS[0]: 1}) == ["no request is left hanging"]
