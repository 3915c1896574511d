"""A stream stalls when a gap between two of its chunks is too long."""

import pytest

from bench.steady import stalled


@pytest.mark.parametrize(
    ("arrivals", "expected"),
    [
        ([], False),
        ([0.0], False),
        ([0.0, 0.06, 0.1], False),
        ([0.0, 0.0601, 0.1], True),
        ([0.0, 0.02, 0.0801], True),
    ],
)
def test_a_gap_of_more_than_sixty_milliseconds_is_a_stall(arrivals: list[float], expected: bool) -> None:
    assert stalled(arrivals) is expected
