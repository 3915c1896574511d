"""Where a drill runs: what its faults need of the platform."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from dev.fault.fault import Fault
from dev.fault.prometheus import Prometheus
from dev.fault.table import LIMITED_KEY

KEYS = tuple(f"drill-{number}" for number in range(100))
REQUEST_SECONDS = 10
"""The deadline of a request in a drill, shortened as the alerts' windows are."""
HANG_SECONDS = 40.0
"""After which a call counts as hung: the deadline, and what a busy machine may add."""
GATEWAY_SETTINGS = {
    "LLM_MAX_RUNNING": "8",
    "LLM_MAX_WAITING": "8",
    "LLM_REQUEST_TIMEOUT_SECONDS": str(REQUEST_SECONDS),
    "LLM_FIRST_TOKEN_TIMEOUT_SECONDS": "5",
    "LLM_BETWEEN_TOKENS_TIMEOUT_SECONDS": "3",
    "LLM_MODELS_INTERVAL_SECONDS": "1",
    "LLM_WAIT_FOR_RUNTIME_SECONDS": "0",  # what clients see without the wait
    "LLM_API_KEYS": ",".join((*KEYS, LIMITED_KEY)),
    "LLM_KEY_REQUESTS_PER_MINUTE": "60",
}
BEHAVIOR: dict[str, Any] = {
    "slots": 8,
    "tokens": 8,
    "first_token_seconds": 0.1,
    "token_seconds": 0.03,
    "load_seconds": 0.0,
    "listed": True,
}
HEALTHY: dict[str, Any] = {"behavior": BEHAVIOR, "fault": None}
"""What POST /simulator gets before a drill, and at the end of a fault."""


def simulated(behavior: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables that give the simulated engine a behavior from its start."""
    return {f"RUNTIME_SIMULATED_{name.upper()}": str(value) for name, value in behavior.items()}


class Place(Protocol):
    """The platform under the drill."""

    scrape_seconds: float

    @property
    def prometheus(self) -> Prometheus:
        """The Prometheus with the drill's rules."""

    def calls(self, lane: str, rate: float, keys: tuple[str, ...]) -> AbstractContextManager[Iterator[str]]:
        """Send calls until the block ends; the iterator has their lines, also those after the block."""

    def inject(self, fault: Fault) -> AbstractContextManager[None]:
        """The fault lasts as long as the block."""
