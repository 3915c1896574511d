"""The median of the rounds decides whether a goal is met."""

import pytest

from bench.goals import DIRECT, GATEWAY, Finding, floor, latency, peer_cost, peer_latency, peer_rate, rate
from bench.stats import Spread


def calls(**seconds: float) -> dict[str, list[list[float]]]:
    return {name: [[value] * 3] * 3 for name, value in seconds.items()}


def rates(**per_second: float) -> dict[str, list[float]]:
    return {name: [value] * 3 for name, value in per_second.items()}


@pytest.mark.parametrize(("through", "met"), [(0.0017, True), (0.00171, False)])
def test_the_gateway_may_add_seven_tenths_of_a_direct_call(through: float, met: bool) -> None:
    finding = latency("plain call", calls(direct=0.001, gateway=through))
    assert finding.met is met


def test_a_gateway_that_adds_nothing_meets_the_goal() -> None:
    assert latency("plain call", calls(direct=0.001, gateway=0.0009)).met


@pytest.mark.parametrize(("through", "met"), [(98.0, True), (97.9, False)])
def test_a_rate_keeps_its_share_of_the_direct_one(through: float, met: bool) -> None:
    assert rate("tokens/s", rates(direct=100.0, gateway=through), 0.98).met is met


def test_the_peer_is_compared_by_the_time_that_it_adds() -> None:
    finding = peer_latency("plain call", calls(direct=0.010, gateway=0.011, litellm=0.020))
    assert finding.value.median == pytest.approx(10.0)
    assert not peer_latency("plain call", calls(direct=0.010, gateway=0.011, litellm=0.0199)).met


def test_beside_a_gateway_that_adds_nothing_any_peer_is_far_slower() -> None:
    assert peer_latency("plain call", calls(direct=0.01, gateway=0.01, litellm=0.02)).met


def test_throughput_must_be_ten_times_the_peers() -> None:
    assert peer_rate("calls/s", rates(gateway=1000.0, litellm=100.0)).met
    assert not peer_rate("calls/s", rates(gateway=999.0, litellm=100.0)).met


def test_a_call_must_cost_the_peer_ten_times_as_much() -> None:
    assert peer_cost("CPU per call", rates(gateway=0.001, litellm=0.010)).met
    assert not peer_cost("CPU per call", rates(gateway=0.001, litellm=0.0099)).met


@pytest.mark.parametrize(("gateway", "met"), [(0.0025, True), (0.00251, False)])
def test_the_gateway_may_cost_two_and_a_half_times_the_floor(gateway: float, met: bool) -> None:
    assert floor("CPU per call", [gateway] * 3, [0.001] * 3).met is met


def test_one_disturbed_round_of_three_changes_nothing() -> None:
    measured = {DIRECT: [100.0, 100.0, 100.0], GATEWAY: [99.0, 20.0, 99.0]}
    assert rate("tokens/s", measured, 0.98).met


def test_a_finding_is_printed_with_its_value_its_spread_and_the_goal() -> None:
    missed = Finding("calls/s", Spread(0.4, 0.3, 0.5), 0.5)
    assert str(missed) == "MISSED  calls/s: 0.4 (0.3 to 0.5), goal at least 0.5"
    met = Finding("plain call", Spread(0.4, 0.3, 0.5), 0.7, at_most=True)
    assert str(met) == "met     plain call: 0.4 (0.3 to 0.5), goal at most 0.7"
