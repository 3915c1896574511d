"""The command line is checked before anything starts."""

import pytest

from bench.options import arguments


def test_without_options_a_run_is_seven_rounds_of_twenty_five_calls() -> None:
    options = arguments([])
    assert (options.rounds, options.calls) == (7, 25)
    assert (options.clients, options.streams, options.tokens) == (16, 64, 100)
    assert (options.smooth_streams, options.smooth_tokens, options.smooth_delay) == (512, 64, 0.02)
    assert not any((options.peers, options.force))


@pytest.mark.parametrize(
    "given",
    [
        ["--rounds", "0"],
        ["--calls", "many"],
        ["--seconds", "0"],
        ["--seconds", "3600"],
        ["--token-delay", "nan"],
        ["--clients", "201"],
        ["--streams", "1000"],
        ["--tokens", "129"],
        ["--smooth-tokens", "129"],
        ["--smooth-streams", "1001"],
    ],
)
def test_options_that_would_measure_for_ever_or_nothing_are_refused(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        arguments(given)
    assert refusal.value.code == 2
    assert given[0] in capsys.readouterr().err
