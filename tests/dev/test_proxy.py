"""Loopback is exempt from proxies for this process and its children; nothing else changes."""

import pytest

from dev.proxy import exempt_loopback


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "localhost,.localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "a.example, localhost"}, "a.example,localhost,.localhost,127.0.0.1,::1"),
        ({"no_proxy": "a.example", "NO_PROXY": "b.example"}, "a.example,localhost,.localhost,127.0.0.1,::1"),
    ],
)
def test_loopback_joins_the_exempt_hosts(given: dict[str, str], expected: str) -> None:
    exempt_loopback(given)
    assert given == {"NO_PROXY": expected, "no_proxy": expected}


def test_an_environment_that_exempts_every_host_stays_as_it_is() -> None:
    environment = {"NO_PROXY": "*"}
    exempt_loopback(environment)
    assert environment == {"NO_PROXY": "*"}
