"""What a fault is: how it is injected, which alert fires, and what clients may see meanwhile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal[
    "simulate",
    "flood",
    "stop_runtime",
    "freeze_runtime",
    "kill_gateway",
    "delete_runtime",
    "delete_gateway",
    "exhaust_memory",
    "cut_network",
    "stop_prometheus",
    "stop_metrics_server",
]
ANYWHERE: tuple[Action, ...] = ("simulate", "flood", "stop_runtime", "freeze_runtime", "kill_gateway")
"""What can be done to processes too; the others need a cluster."""


@dataclass(frozen=True)
class Answer:
    """What a client may see: a status (0: no response) and an error's code, and whether Retry-After comes."""

    status: int
    code: str
    retry_after: bool = False

    def __str__(self) -> str:
        return f"{self.status or 'no response'} {self.code}{' with Retry-After' * self.retry_after}"


@dataclass(frozen=True)
class Fault:
    """A fault, and what has to happen while it lasts and after it.

    Attributes:
        alert: The name of the alert that fires; "" where there is none, which `description` explains.
        answers: What clients may see beside whole answers, by the name of their lane.
        change: What POST /simulator gets; its opposite ends the fault.
        rate: Calls a second in the lane `clients`.
        flood: Calls a second in the lane `flood`, which exists only while the fault lasts.
        flood_key: The API key of that lane; "" for many keys.
        cuts: Whether responses may end without an error event: nobody is left to send one.
        harmless: Whether clients need not see anything of it.
    """

    name: str
    description: str
    action: Action
    alert: str
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=dict)
    rate: float = 6.0
    flood: float = 0.0
    flood_key: str = ""
    cuts: bool = False
    harmless: bool = False

    @property
    def simulated(self) -> bool:
        """Whether it needs the simulated engine."""
        return self.action == "simulate"

    @property
    def needs_cluster(self) -> bool:
        return self.action not in ANYWHERE
