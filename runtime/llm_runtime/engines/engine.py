"""The interface between the HTTP API and what makes the tokens."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from llm_runtime.api.schemas import Message, Options

Emit = Callable[[str], Awaitable[None]]


class EngineError(Exception):
    """A failure that the client is told: as a status, or as an `error` line of a begun stream."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class DropError(Exception):
    """The connection is to end here, in the middle of the answer (a simulated fault)."""


class UnfinishedError(Exception):
    """The answer is to end here, in good order but without its last object (a simulated fault).

    Ollama does so to an answer that says one token 31 times.
    """


@dataclass(frozen=True, slots=True)
class Job:
    """One generation: raw text to continue, or messages for the model's chat template."""

    options: Options
    prompt: str = ""
    messages: tuple[Message, ...] = ()


@dataclass(slots=True)
class Finish:
    """The end of a generation. Durations in nanoseconds, as Ollama gives them."""

    reason: str
    prompt_tokens: int
    prompt_ns: int
    generated_tokens: int
    generated_ns: int


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What the API tells about the model. Size in bytes, context length in tokens."""

    name: str
    size: int
    digest: str
    details: dict[str, Any]
    context_length: int
    modified_at: str = "1970-01-01T00:00:00Z"
    template: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    """Makes tokens. The runner bounds how many generations run at once."""

    name: str
    info: ModelInfo

    @property
    def slots(self) -> int:
        """Generations at once."""

    async def load(self) -> None:
        """Bring the model into memory. Raises EngineError if that cannot be done."""

    async def unload(self) -> None:
        """Give the model's memory back; nothing is running."""

    def check(self) -> None:
        """Refuse the next request: raises EngineError if a fault is asked for."""

    async def generate(self, job: Job, emit: Emit) -> Finish:
        """Hand over the text in pieces as they come. Cancelling the call ends the work."""
