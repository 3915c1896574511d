"""The interface between the HTTP API and what generates the tokens."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

from llm_runtime.schemas import Message, Options, Tool, ToolCall

Capability = Literal["completion", "tools", "insert", "thinking", "vision", "embedding"]


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
    """One generation: raw text to continue, a gap to fill, or messages for the model's chat template.

    Attributes:
        suffix: What follows the gap after `prompt`; "" where there is none.
        format: "json", a JSON schema that the answer has to conform to, or None. `num_predict` may cut the
            JSON off; the reason is "length" then.
        think: Whether to think, or how hard (low, medium, high, max); None: the model's default.
        truncate: Whether a conversation that exceeds the context loses its oldest messages, or is refused.
        logprobs: How many alternatives to report for each token (0: the token's own log probability only);
            None: no log probabilities.
    """

    options: Options
    prompt: str = ""
    suffix: str = ""
    messages: tuple[Message, ...] = ()
    tools: tuple[Tool, ...] = ()
    format: str | dict[str, Any] | None = None
    think: bool | str | None = None
    logprobs: int | None = None
    truncate: bool = True


@dataclass(frozen=True, slots=True)
class Logprob:
    """A token's natural logarithm of its probability, and the most probable tokens in its place."""

    token: str
    logprob: float
    top: tuple["Logprob", ...] = ()


@dataclass(slots=True)
class Chunk:
    """A piece of an answer. An empty one says only that the model has generated a token."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[Logprob, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.text or self.thinking or self.tool_calls or self.logprobs)


Emit = Callable[[Chunk], Awaitable[None]]


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Return the whole answer."""
    return Chunk(
        "".join(chunk.text for chunk in chunks),
        "".join(chunk.thinking for chunk in chunks),
        tuple(call for chunk in chunks for call in chunk.tool_calls),
        tuple(logprob for chunk in chunks for logprob in chunk.logprobs),
    )


@dataclass(slots=True)
class Finish:
    """How a generation ended; durations in nanoseconds, as in Ollama's API."""

    reason: str
    prompt_tokens: int
    prompt_ns: int
    generated_tokens: int
    generated_ns: int


@dataclass(frozen=True, slots=True)
class EmbedJob:
    """Texts to embed; one longer than `num_ctx` (tokens; 0: the model's limit) is truncated or refused."""

    texts: tuple[str, ...]
    truncate: bool = True
    num_ctx: int = 0


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector for each text."""

    vectors: list[list[float]]
    prompt_tokens: int
    generated_tokens: ClassVar[int] = 0


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The model as the API describes it; size in bytes, context length in tokens."""

    name: str
    size: int
    digest: str
    details: dict[str, Any]
    capabilities: tuple[Capability, ...]
    context_length: int
    modified_at: str = "1970-01-01T00:00:00Z"
    template: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    listed: bool = True


class Engine(Protocol):
    """Generates tokens. The runner limits how many generations run at a time."""

    name: str

    @property
    def info(self) -> ModelInfo:
        """The model, as it is now."""

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
        """Generate an answer, passing it on piece by piece. Cancelling the call stops the work.

        Raises:
            EngineError: the job cannot be done.
        """

    async def embed(self, job: EmbedJob) -> Embeddings:
        """Return the vectors of texts. Cancelling the call stops the work.

        Raises:
            EngineError: a text is too long.
        """
