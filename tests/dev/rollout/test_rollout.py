"""The proof of rolling restarts: what it counts as lost, and when it proves nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from dev.load.output import Request
from dev.rollout import command
from dev.rollout.cluster import missing
from dev.rollout.traffic import Traffic
from dev.rollout.verdict import KINDS, Restart, fate, judge
from tests.waiting import SECONDS

AT = 1_000_000.0
RESTARTS = [Restart("llm-api", AT + 10, AT + 20), Restart("llm-runtime", AT + 23, AT + 40)]


def request(at: float, kind: str, outcome: str = "ok", status: int = 200, error: str = "") -> Request:
    return Request(AT + at, 1.0, outcome, status, error=error, kind=kind)


GOOD = [request(at, kind) for kind in KINDS for at in (5, 15, 30, 45)]


def verdict(*more: Request, **changes: Any) -> list[str]:
    given: dict[str, Any] = {"restarts": RESTARTS, "ended": [*GOOD, *more], "still_open": {}} | changes
    return [str(finding) for finding in judge(**given) if not finding.ok]


def test_restarts_that_lose_nothing_are_proven() -> None:
    assert verdict() == []
    assert verdict(request(16, "call, new", "rejected", 503)) == []


@pytest.mark.parametrize(
    ("status", "error", "lost"),
    [
        (0, "dial tcp: connection refused", "1 failed, 0 truncated, 0 hung"),
        (502, "the connection to the runtime broke", "1 failed, 0 truncated, 0 hung"),
        (200, "not an answer", "0 failed, 1 truncated, 0 hung"),
        (0, "request timeout", "0 failed, 0 truncated, 1 hung"),
    ],
)
def test_a_request_that_is_lost_fails_its_kind_with_time_and_reason(
    status: int, error: str, lost: str
) -> None:
    (line,) = verdict(request(15, "call, new", "failed", status, error))
    assert line == (
        f"FAIL  call, new: none is lost: 4 answered, 0 rejected, {lost};"
        f" the first at 6 s, while llm-api restarted: status {status}, {error}"
    )


def test_a_request_that_never_ends_is_hung() -> None:
    (line,) = verdict(still_open={"stream, kept": 2})
    assert line.startswith(
        "FAIL  stream, kept: none is lost: 4 answered, 0 rejected, 0 failed, 0 truncated, 2 h"
    )


def test_without_answers_during_each_restart_nothing_is_proven() -> None:
    (line,) = verdict(ended=[r for r in GOOD if (r.kind, r.at) != ("stream, new", AT + 30)])
    assert "stream, new" in line
    assert "none was answered during the restart of llm-runtime at 13 s, which proves nothing" in line


def test_a_queue_that_is_too_small_proves_nothing() -> None:
    (line,) = verdict(*[request(15, "call, kept", "rejected", 503)] * 9)
    assert "too many rejected to prove anything; raise settings.maxRunning" in line


def test_a_restart_that_does_not_complete_fails_with_its_reason() -> None:
    stuck = Restart("llm-runtime", AT + 43, AT + 60, "not complete after 17 s: 0 of 1 pods are ready")
    lines = verdict(restarts=[*RESTARTS, stuck])
    assert "FAIL  llm-runtime restarts 2 times: not complete after 17 s: 0 of 1 pods are ready" in lines


def test_a_change_of_an_image_is_a_claim_of_its_own() -> None:
    stuck = Restart(
        "llm-api", AT + 43, AT + 60, "not complete after 17 s: 0 of 1 pods are new", new_image=True
    )
    lines = verdict(restarts=[*RESTARTS, stuck])
    assert "FAIL  llm-api gets another image: not complete after 17 s: 0 of 1 pods are new" in lines
    assert not any("llm-api restarts" in text for text in lines)


def test_a_load_that_ends_early_fails() -> None:
    assert verdict(problem="k6 has ended") == ["FAIL  the load lasts: k6 has ended"]


def test_traffic_counts_what_was_sent_before_the_end_and_what_is_still_open() -> None:
    traffic = Traffic()
    for line in (
        'SENT {"at":1,"kind":"call, new"}',
        'SENT {"at":2,"kind":"call, new"}',
        'SENT {"at":9,"kind":"call, new"}',
        'REQ {"at":2,"kind":"call, new","seconds":5,"outcome":"ok","status":200}',
        "a line of k6's own",
    ):
        traffic.note(line)
    ended, still_open = traffic.before(5)
    assert ([fate(one) for one in ended], dict(still_open)) == ([""], {"call, new": 1})


def test_a_log_that_ends_says_so() -> None:
    traffic = Traffic()
    traffic.listen([])
    assert traffic.over.wait(SECONDS)
    assert traffic.error == "k6 has ended"


def workload(**status: Any) -> Any:
    fields = {"observed_generation": 2, "updated_replicas": 1, "ready_replicas": 1}
    return SimpleNamespace(
        metadata=SimpleNamespace(generation=2),
        spec=SimpleNamespace(replicas=1),
        status=SimpleNamespace(**fields | status),
    )


@pytest.mark.parametrize(
    ("status", "pods", "reason"),
    [
        ({}, 1, ""),
        ({"observed_generation": 1}, 1, "the change is not observed yet"),
        ({"updated_replicas": None}, 1, "0 of 1 pods are new"),
        ({"updated_replicas": None, "current_revision": "b", "update_revision": "b"}, 1, ""),
        (
            {"updated_replicas": None, "current_revision": "a", "update_revision": "b"},
            1,
            "0 of 1 pods are new",
        ),
        ({"ready_replicas": None}, 1, "0 of 1 pods are ready"),
        ({}, 2, "1 old pods still run"),
    ],
)
def test_a_restart_is_complete_with_new_ready_pods_alone(
    status: dict[str, Any], pods: int, reason: str
) -> None:
    assert missing(workload(**status), [None] * pods) == reason


@pytest.mark.parametrize("arguments", [["--workloads", "llm-db"], ["--restarts", "0"], ["--streams", "0"]])
def test_an_option_that_makes_no_sense_is_a_usage_error(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        command.parse(arguments)
