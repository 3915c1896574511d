"""The fields of a response that hold a chunk of an answer.

Types: https://github.com/ollama/ollama/blob/main/api/types.go (ChatResponse, GenerateResponse, Logprob)
"""

from collections.abc import Callable
from typing import Any

from llm_runtime.engines.engine import Chunk, Logprob

Shape = Callable[[Chunk], dict[str, Any]]


def generate_fields(chunk: Chunk) -> dict[str, Any]:
    """Return the fields of /api/generate."""
    return {"response": chunk.text} | _others(chunk) | _logprobs(chunk)


def chat_fields(chunk: Chunk) -> dict[str, Any]:
    """Return the fields of /api/chat."""
    return {"message": {"role": "assistant", "content": chunk.text} | _others(chunk)} | _logprobs(chunk)


def _others(chunk: Chunk) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if chunk.thinking:
        fields["thinking"] = chunk.thinking
    if chunk.tool_calls:
        fields["tool_calls"] = [call.model_dump() for call in chunk.tool_calls]
    return fields


def _logprobs(chunk: Chunk) -> dict[str, Any]:
    return {"logprobs": [_logprob(entry) for entry in chunk.logprobs]} if chunk.logprobs else {}


def _logprob(entry: Logprob) -> dict[str, Any]:
    fields = {
        "token": entry.token,
        "logprob": entry.logprob,
        "bytes": list(entry.token.encode(errors="replace")),
    }
    return fields | ({"top_logprobs": [_logprob(other) for other in entry.top]} if entry.top else {})
