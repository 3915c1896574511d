"""Medians of rounds, their spread, and differences within each round."""

import pytest

from bench.stats import Spread, added, medians, ratios, spread


def test_a_spread_is_the_median_of_the_rounds_and_their_quartiles() -> None:
    assert spread([5.0, 1.0, 4.0, 2.0, 3.0]) == Spread(3.0, 2.0, 4.0)


def test_one_round_is_its_own_spread() -> None:
    assert spread([2.0]) == Spread(2.0, 2.0, 2.0)


def test_no_rounds_have_no_spread() -> None:
    with pytest.raises(ValueError, match="no rounds"):
        spread([])


def test_one_slow_call_does_not_move_its_round() -> None:
    assert medians([[1.0, 1.0, 900.0], [2.0, 2.0, 2.0]]) == [1.0, 2.0]


def test_the_added_time_is_taken_within_each_round_so_that_drift_cancels() -> None:
    direct = [[1.0], [2.0], [10.0]]
    through = [[1.5], [2.5], [10.5]]
    assert added(direct, through) == [0.5, 0.5, 0.5]


def test_different_numbers_of_rounds_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        added([[1.0]], [[1.0], [2.0]])


def test_a_ratio_to_zero_or_less_is_huge_but_finite() -> None:
    half, huge = ratios([1.0, 1.0], [2.0, -0.1])
    assert half == 0.5
    assert 1e6 < huge < float("inf")


def test_a_spread_is_printed_with_three_digits() -> None:
    assert str(Spread(0.123456, 0.1, 12.3456)) == "0.123 (0.1 to 12.3)"


def test_a_spread_of_one_value_is_printed_as_that_value() -> None:
    assert str(Spread(2.0, 2.0, 2.0)) == "2"
