"""The proof from zero is red when the runtime stays, does not come back, or does not go away again."""

from collections.abc import Iterator

from dev.autoscale.zero import Answer, prove


class FakePlatform:
    """A platform with these numbers of replicas, one after the other; the last one stays."""

    cooldown = 0.0

    def __init__(self, replicas: list[int], answer: Answer = Answer(200, 3.5)) -> None:  # noqa: B008
        self._replicas: Iterator[int] = iter(replicas)
        self._last, self._answer = replicas[-1], answer

    def replicas(self) -> int:
        return next(self._replicas, self._last)

    def ask(self) -> Answer:
        return self._answer


def verdict(platform: FakePlatform) -> list[str]:
    return [str(finding) for finding in prove(platform, lambda _: None, patience=0.0)]


def test_from_zero_to_one_and_back_is_proven_with_the_seconds_to_the_first_token() -> None:
    lines = verdict(FakePlatform([0, 1, 0]))
    assert len(lines) == 4
    assert all(line.startswith("ok") for line in lines)
    assert "its first token came after 3.5 s" in lines[1]


def test_a_runtime_that_stays_is_red_and_nothing_more_is_asked() -> None:
    (line,) = verdict(FakePlatform([1]))
    assert line.startswith("FAIL  without requests the runtime goes to zero: 1 replicas")


def test_a_request_that_is_not_answered_is_red_with_its_status() -> None:
    platform = FakePlatform([0, 0, 0], Answer(503, None, "runtime_unavailable"))
    red = [line for line in verdict(platform) if line.startswith("FAIL")]
    assert "status 503 runtime_unavailable" in red[0]
    assert "it answers from one replica: 0 replicas" in red[1]


def test_a_runtime_that_does_not_go_away_again_is_red() -> None:
    assert verdict(FakePlatform([0, 1, 1]))[-1].startswith("FAIL  it goes back to zero: 1 replicas")
