"""The settings and the faults of the simulated engine."""

import random
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_settings import NoDecode

from llm_runtime.engines.engine import Capability


def _split(value: Any) -> Any:
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else value


Capabilities = Annotated[tuple[Capability, ...], NoDecode, BeforeValidator(_split)]


class Behavior(BaseModel):
    """How the simulated model behaves; durations in seconds."""

    model_config = ConfigDict(extra="forbid")

    slots: int = Field(
        default=1, ge=1, description="Generations at a time; further requests wait, unbounded."
    )
    load_seconds: float = Field(default=0.0, ge=0, description="Duration of a load, in seconds.")
    first_token_seconds: float = Field(
        default=0.0, ge=0, description="Delay before the first token, in seconds."
    )
    token_seconds: float = Field(
        default=0.0, ge=0, description="Delay before each further token, in seconds."
    )
    jitter: float = Field(
        default=0.0, ge=0, le=1, description="Fraction by which each delay varies, up or down (0 to 1)."
    )
    seed: int = Field(default=0, description="Seed of the jitter.")
    tokens: int = Field(
        default=128, ge=1, description="Length of an answer in tokens, unless num_predict is lower."
    )
    thinking_tokens: int = Field(
        default=16, ge=0, description="Tokens of thinking before an answer, if the model can think."
    )
    capabilities: Capabilities = Field(
        default=("completion", "tools", "insert", "embedding"),
        description="What the model can do, separated by commas: completion, tools, insert, thinking, vision,"
        " embedding.",
    )
    dimensions: int = Field(default=384, ge=1, description="Length of an embedding.")
    listed: bool = Field(
        default=True, description="Whether the model is there: false makes it one that was removed."
    )

    def delays(self, count: int, key: str) -> list[float]:
        """Return the delay in seconds before each of `count` tokens; the same seed and key repeat them."""
        steps = [self.first_token_seconds, *[self.token_seconds] * (count - 1)][:count]
        if not self.jitter:
            return steps
        chance = random.Random(f"{self.seed}:{key}")  # noqa: S311 - no secret
        return [step * chance.uniform(1 - self.jitter, 1 + self.jitter) for step in steps]


class Fault(BaseModel):
    """What goes wrong with the next requests.

    not_found, cancelled and busy return 404, 499 and 503 at once. The others act after `after_tokens` tokens:
    error sends an `error` line, hang sends nothing more until the client leaves, drop closes the connection,
    unfinished ends the response properly but without its last line (as Ollama does when a model repeats
    itself).
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["not_found", "cancelled", "busy", "error", "hang", "drop", "unfinished"]
    after_tokens: int = Field(default=0, ge=0)
    times: int | None = Field(
        default=1, ge=1, description="How many requests it affects; null: all until it is cleared."
    )
