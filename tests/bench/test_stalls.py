"""By how many streams at once the gateway is judged, and how."""

import pytest

from bench import BenchError
from bench.stalls import Smooth, judge


def smooth(direct: list[float], gateway: list[float]) -> Smooth:
    return {"direct": direct, "gateway": gateway}


def test_the_gateway_is_judged_by_the_most_streams_that_are_smooth_without_it() -> None:
    finding = judge(
        {
            128: smooth([128, 128, 128], [0, 0, 0]),
            256: smooth([3, 252, 256], [256, 126, 252]),
            512: smooth([100, 500, 501], [0, 0, 0]),
        }
    )
    assert finding.goal == "of 256 streams, those that never stall, gateway / direct"
    assert (finding.value.median, finding.met) == (1.0, True)


def test_a_gateway_whose_streams_stall_misses_the_goal() -> None:
    assert not judge({128: smooth([128, 128, 128], [125, 125, 125])}).met


def test_where_streams_stall_anyway_nothing_is_judged() -> None:
    with pytest.raises(BenchError, match="fewer at once"):
        judge({512: smooth([100, 120, 90], [90, 90, 90])})
