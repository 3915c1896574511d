"""The table of connections, and what is said of what was seen."""

import pytest

from dev.policies import matrix
from dev.policies.matrix import Platform

WHOLE = Platform()
VARIANTS = [WHOLE, Platform(metrics=False, pulls=True), Platform(runtime=False, monitoring=False, proxy="")]


@pytest.mark.parametrize("platform", VARIANTS)
def test_each_source_and_each_destination_has_a_connection_that_must_succeed(platform: Platform) -> None:
    wanted = matrix.expected(platform)
    for source in matrix.sources(platform):
        assert wanted[source.name, "itself"]
    reached = {there for (_, there), allowed in wanted.items() if allowed}
    # No pod may connect to one without a policy of its own: that it listens, it proves itself.
    assert reached == set(matrix.destinations(platform)) - {"other in llm"}


@pytest.mark.parametrize("platform", VARIANTS)
def test_each_destination_but_the_control_is_denied_to_someone(platform: Platform) -> None:
    wanted = matrix.expected(platform)
    denied = {there for (_, there), allowed in wanted.items() if not allowed}
    assert denied == set(matrix.destinations(platform)) - {"itself"}


def test_the_gateway_is_reached_by_the_proxy_prometheus_the_load_and_its_own_test_alone() -> None:
    wanted = matrix.expected(WHOLE)
    reach = {source for (source, there), allowed in wanted.items() if there == "llm-api" and allowed}
    assert reach == {"traefik", "prometheus", "llm-load", "llm-api-test"}


def test_the_runtime_is_reached_by_the_gateway_prometheus_and_its_own_test_alone() -> None:
    for metrics in (True, False):
        wanted = matrix.expected(Platform(metrics=metrics))
        reach = {source for (source, there), allowed in wanted.items() if there == "llm-runtime" and allowed}
        assert reach == {"llm-api", "llm-runtime-test"} | ({"prometheus"} if metrics else set())


def test_the_runtime_alone_reaches_a_public_address_and_only_while_it_may_pull() -> None:
    for pulls in (True, False):
        wanted = matrix.expected(Platform(metrics=False, pulls=pulls))
        here = {"llm-api", "llm-runtime", "llm-load", "llm-api-test", "llm-runtime-test", "other in llm"}
        reach = {s for (s, there), allowed in wanted.items() if there == "public:443" and allowed}
        assert reach & here == ({"llm-runtime"} if pulls else set())
    assert not any(there == "public:443" for _, there in matrix.expected(WHOLE))


def test_a_pod_of_the_namespace_without_a_policy_of_its_own_connects_to_nothing() -> None:
    wanted = matrix.expected(WHOLE)
    assert not any(
        allowed
        for (source, there), allowed in wanted.items()
        if source == "other in llm" and there != "itself"
    )


def test_what_is_not_there_has_no_row_and_no_column() -> None:
    bare = Platform(runtime=False, monitoring=False, proxy="")
    named = {name for pair in matrix.expected(bare) for name in pair}
    assert not named & {"llm-runtime", "llm-runtime-test", "traefik", "prometheus", "other in monitoring"}


def test_a_cell_that_differs_is_a_line_and_has_an_exclamation_mark() -> None:
    wanted = {("a", "b"): True, ("a", "c"): False, ("b", "c"): True}
    seen = {("a", "b"): False, ("a", "c"): True}
    assert list(matrix.wrong(wanted, seen)) == [
        "FAIL  a -> b: does not connect, and must",
        "FAIL  a -> c: connects, and must not",
        "FAIL  b -> c: not tried",
    ]
    head, *rows = matrix.table(["a", "b"], ["b", "c"], wanted, seen)
    assert head.split() == ["b", "c"]
    assert [row.split() for row in rows] == [["a", "no!", "yes!"], ["b", "?!"]]


def test_what_is_as_expected_is_no_line() -> None:
    wanted = matrix.expected(WHOLE)
    assert not list(matrix.wrong(wanted, wanted))
