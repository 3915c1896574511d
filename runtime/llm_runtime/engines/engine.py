"""The interface between the HTTP API and what generates the tokens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from llm_runtime.schemas import Message, Options

Emit = Callable[[str], Awaitable[None]]


class EngineError(Exception):
    """A failure reported to the client: as a status, or as an `error` line once a stream has begun."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class DropError(Exception):
    """Close the connection in the middle of the answer (a simulated fault)."""


class UnfinishedError(Exception):
    """End the response properly, but without its last object (a simulated fault).

    Ollama does this when a model generates the same token 31 times.
    """


@dataclass(frozen=True, slots=True)
class Job:
    """One generation: raw text to continue, or messages for the model's chat template."""

    options: Options
    prompt: str = ""
    messages: tuple[Message, ...] = ()


@dataclass(slots=True)
class Finish:
    """How a generation ended; durations in nanoseconds, as in Ollama's API."""

    reason: str
    prompt_tokens: int
    prompt_ns: int
    generated_tokens: int
    generated_ns: int


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model as the API describes it; size in bytes, context length in tokens."""

    name: str
    size: int
    digest: str
    details: dict[str, Any]
    context_length: int
    modified_at: str = "1970-01-01T00:00:00Z"
    template: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Generates tokens. The runner limits how many generations run at a time."""

    name: str
    info: ModelInfo

    @property
    def slots(self) -> int:
        """How many generations may run at a time."""

    async def load(self) -> None:
        """Load the model into memory.

        Raises:
            EngineError: the model cannot be loaded.
        """

    async def unload(self) -> None:
        """Free the model's memory; called while nothing is running."""

    def check(self) -> None:
        """Decide whether to accept the next request.

        Raises:
            EngineError: a fault that rejects the request is set.
        """

    async def generate(self, job: Job, emit: Emit) -> Finish:
        """Generate text, passing it on piece by piece. Cancelling the call stops the work."""
