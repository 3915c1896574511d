"""The lines of k6's log become requests, seconds and a summary."""

import json

import pytest

from dev.load.lines import quantile, request, seconds, summary, window
from tests.dev.recorded import BEGAN
from tests.dev.recorded import request as sent

LINE = 'REQ {"at":10.5,"outcome":"ok","status":200,"seconds":0.25,"tokens":16,"gateway_ttft":0.1,"ttft":0.11}'


def test_a_request_line_is_read_and_other_lines_are_not() -> None:
    found = request(LINE)
    assert found is not None
    assert (found.outcome, found.tokens, found.ended) == ("ok", 16, 10.75)
    assert request("Request Failed") is None


def test_a_line_of_an_unknown_shape_is_an_error_not_a_silence() -> None:
    with pytest.raises(ValueError, match="not a request"):
        request('REQ {"at": 1, "colour": "red"}')


def test_the_summary_is_the_line_that_says_so() -> None:
    assert summary('SUMMARY {"answers": 3}') == {"answers": 3}
    assert summary(json.dumps({"answers": 3})) is None


def test_quantiles_are_values_that_were_seen() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([float(n) for n in range(1, 101)], 0.95) == 95.0


def test_a_window_counts_what_was_sent_in_it_and_what_ended_in_it() -> None:
    requests = [sent(0.0), sent(0.8), sent(0.2, "refused"), sent(0.3, "failed")]
    first = window(requests, BEGAN, 1.0)
    assert (first.offered, first.ok, first.refused, first.failed) == (4.0, 1.0, 1.0, 1.0)
    assert (first.p95, first.ttft_p95, first.tokens) == (0.5, 0.1, 16.0)
    assert window(requests, BEGAN + 1, 1.0).ok == 1.0


def test_a_run_is_cut_into_steps_without_losing_a_request() -> None:
    requests = [sent(n / 3) for n in range(30)]
    steps = seconds(requests, width=2.0)
    assert sum(s.ok * 2.0 for s in steps) == pytest.approx(30)
    assert seconds([]) == []
