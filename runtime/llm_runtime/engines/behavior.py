"""What is set, and what can go wrong, in the simulated engine."""

import random
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Behavior(BaseModel):
    """How the simulated model behaves. Times in seconds."""

    model_config = ConfigDict(extra="forbid")

    slots: int = Field(default=1, ge=1, description="Generations at once; the others wait, without bound.")
    load_seconds: float = Field(default=0.0, ge=0)
    first_token_seconds: float = Field(default=0.0, ge=0)
    token_seconds: float = Field(default=0.0, ge=0, description="Between two tokens.")
    jitter: float = Field(default=0.0, ge=0, le=1, description="Part by which each delay varies, up or down.")
    seed: int = 0
    tokens: int = Field(default=128, ge=1, description="Length of an answer that num_predict does not cut.")

    def delays(self, count: int, key: str) -> list[float]:
        """Seconds before each of `count` tokens; the same for the same seed and key."""
        steps = [self.first_token_seconds, *[self.token_seconds] * (count - 1)][:count]
        if not self.jitter:
            return steps
        chance = random.Random(f"{self.seed}:{key}")  # noqa: S311 - behavior, not secrets
        return [step * chance.uniform(1 - self.jitter, 1 + self.jitter) for step in steps]


class Fault(BaseModel):
    """What the next requests run into.

    not_found, cancelled and busy answer 404, 499 and 503 at once. error, hang, drop and unfinished strike
    after `after_tokens` tokens: an `error` line, silence until the client leaves, an end of the connection,
    an end in good order without the last line (as Ollama does to an answer that repeats itself).
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["not_found", "cancelled", "busy", "error", "hang", "drop", "unfinished"]
    after_tokens: int = Field(default=0, ge=0)
    times: int | None = Field(
        default=1, ge=1, description="How many requests it strikes; null: until it is cleared."
    )


class Change(BaseModel):
    """POST /simulator: what is named changes, the rest stays; `fault: null` clears the fault."""

    model_config = ConfigDict(extra="forbid")

    behavior: dict[str, float | int] = Field(default_factory=dict)
    fault: Fault | None = None
    clear_record: bool = False
