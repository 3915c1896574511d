"""Answers of Ollama's own API; its fields: https://github.com/ollama/ollama/blob/main/api/types.go."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from llm_api.dialects.dialect import encode
from llm_api.dialects.embeddings import VectorsFormat
from llm_api.dialects.errors import ollama_body
from llm_api.errors import GatewayError
from llm_api.record import Phases
from llm_api.upstream.chunk import Chunk, Finish

NANO = 1e9
Fields = Callable[[Chunk, int], dict[str, Any]]


def chat_fields(chunk: Chunk, index: int) -> dict[str, Any]:
    """Return the fields of /api/chat; `index` is that of the chunk's first tool call in the answer."""
    return {"message": {"role": "assistant", "content": chunk.text} | _others(chunk, index)}


def generate_fields(chunk: Chunk, index: int) -> dict[str, Any]:
    """Return the fields of /api/generate, as for `chat_fields`."""
    return {"response": chunk.text} | _others(chunk, index)


def _others(chunk: Chunk, index: int) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if chunk.thinking:
        fields["thinking"] = chunk.thinking
    if chunk.tool_calls:
        fields["tool_calls"] = [
            {"id": call.id, "function": {"index": number, "name": call.name, "arguments": call.arguments}}
            for number, call in enumerate(chunk.tool_calls, index)
        ]
    return fields


class GenerationFormat:
    """An object, or NDJSON: an object for each piece of output, then one with `done` or an error."""

    media_type = "application/x-ndjson"

    def __init__(self, model: str, fields: Fields) -> None:
        self._model, self._fields = model, fields
        self._calls = 0

    def first(self) -> bytes:
        return b""

    def pieces(self, chunks: list[Chunk]) -> bytes:
        return b"".join(encode(self._object(chunk) | {"done": False}) + b"\n" for chunk in chunks)

    def last(self, finish: Finish, phases: Phases) -> bytes:
        return encode(self.whole(Chunk(), finish, phases)) + b"\n"

    def error(self, error: GatewayError) -> bytes:
        return encode(ollama_body(error)) + b"\n"

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        usage = finish.usage
        end = {"done": True, "done_reason": finish.reason} | durations(finish, phases)
        if usage.generated_tokens:
            end |= {
                "eval_count": usage.generated_tokens,
                "eval_duration": round(phases.durations.decode * NANO),
            }
        return self._object(chunk) | end | {"timings": phases.as_timings()}

    def _object(self, chunk: Chunk) -> dict[str, Any]:
        created = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        fields = {"model": self._model, "created_at": created} | self._fields(chunk, self._calls)
        self._calls += len(chunk.tool_calls)
        return fields | ({"logprobs": chunk.logprobs} if chunk.logprobs else {})


class EmbedFormat(VectorsFormat):
    """The vectors of /api/embed."""

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        return {"model": self._model, "embeddings": self.vectors(chunk)} | durations(finish, phases)


class EmbeddingFormat(VectorsFormat):
    """The vector of /api/embeddings."""

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        return {"embedding": next(iter(self.vectors(chunk)), [])}


def durations(finish: Finish, phases: Phases) -> dict[str, int]:
    """Return nanoseconds, and the prompt's tokens. Like Ollama, omit zeros; the total includes the queue."""
    took = phases.durations
    fields = {"total_duration": round(took.total * NANO), "load_duration": round(took.load * NANO)}
    if finish.usage.prompt_tokens:
        fields["prompt_eval_count"] = finish.usage.prompt_tokens
        fields["prompt_eval_duration"] = round(took.prefill * NANO)
    return {name: value for name, value in fields.items() if value}
