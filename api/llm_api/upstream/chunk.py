"""What a runtime generates, whatever the format in which it arrived."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from llm_api.record import Usage


@dataclass(slots=True)
class ToolCall:
    """A function that the model wants called; its arguments are JSON values."""

    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(slots=True)
class Chunk:
    """Output that arrived together, or a whole answer.

    Attributes:
        text: The answer itself.
        thinking: What the model thought before it.
        tool_calls: Complete calls; a runtime does not send parts of them.
        logprobs: The tokens of all of these and their log probabilities, in Ollama's format, if asked for.
        embeddings: One vector for each input, for a request that asks for them.
    """

    text: str = ""
    thinking: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)
    logprobs: list[dict[str, Any]] = field(default_factory=list)
    embeddings: list[list[float]] = field(default_factory=list)


@dataclass(slots=True)
class Finish:
    """The end of a generation. Durations in seconds.

    Attributes:
        reason: As Ollama has it: stop, length, load, unload.
    """

    reason: str
    usage: Usage
    load: float
    decode: float


def joined(chunks: Iterable[Chunk]) -> Chunk:
    """Return all chunks of an answer as one."""
    chunks = list(chunks)
    if len(chunks) == 1:
        return chunks[0]
    return Chunk(
        text="".join(chunk.text for chunk in chunks),
        thinking="".join(chunk.thinking for chunk in chunks),
        tool_calls=[call for chunk in chunks for call in chunk.tool_calls],
        logprobs=[entry for chunk in chunks for entry in chunk.logprobs],
        embeddings=[vector for chunk in chunks for vector in chunk.embeddings],
    )
