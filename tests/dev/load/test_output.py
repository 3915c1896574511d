"""Lines of k6's log become requests and rates."""

import pytest

from dev.load.output import Sent, parse_request, parse_sent, quantile, window
from tests.dev.recorded import BEGAN, request

LINE = 'REQ {"at":10.5,"outcome":"ok","status":200,"seconds":0.25,"tokens":16,"gateway_ttft":0.1,"ttft":0.11}'


def test_a_line_of_a_request_is_parsed_and_other_lines_are_not() -> None:
    found = parse_request(LINE)
    assert found is not None
    assert (found.outcome, found.tokens, found.ended) == ("ok", 16, 10.75)
    assert parse_request("Request Failed") is None


def test_a_line_of_a_beginning_is_parsed_and_other_lines_are_not() -> None:
    assert parse_sent('SENT {"at":10.5,"kind":"stream, new"}') == Sent(10.5, "stream, new")
    assert parse_sent(LINE) is None
    with pytest.raises(ValueError, match="not a request"):
        parse_sent('SENT {"at": 1, "colour": "red"}')


def test_a_request_with_an_unknown_field_is_an_error() -> None:
    with pytest.raises(ValueError, match="not a request"):
        parse_request('REQ {"at": 1, "colour": "red"}')


def test_a_quantile_is_one_of_the_values() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([float(n) for n in range(1, 101)], 0.95) == 95.0


def test_a_window_counts_requests_by_when_they_were_sent_and_when_they_ended() -> None:
    requests = [request(0.0), request(0.8), request(0.2, "rejected"), request(0.3, "failed")]
    first = window(requests, BEGAN, 1.0)
    assert (first.offered, first.ok, first.rejected, first.failed) == (4.0, 1.0, 1.0, 1.0)
    assert (first.p95, first.tokens) == (0.5, 16.0)
    assert window(requests, BEGAN + 1, 1.0).ok == 1.0
