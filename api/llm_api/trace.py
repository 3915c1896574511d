"""What is known of one request: its log line and its metrics are made of it."""

from dataclasses import dataclass, field

from llm_api.errors import GatewayError, Outcome
from llm_api.phases import Phases, Usage


@dataclass(slots=True)
class Trace:
    """One request. `model` is a listed one or empty; prompts and answers are not kept."""

    id: str
    route: str = ""
    key: str = ""
    model: str = ""
    status: int = 0
    outcome: Outcome | None = None
    error: str = ""
    phases: Phases = field(default_factory=Phases)
    usage: Usage = field(default_factory=Usage)

    def failed(self, error: GatewayError) -> None:
        """Note why there is no answer, or not a whole one."""
        self.outcome, self.error = error.outcome, error.code
