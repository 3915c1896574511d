"""The fields of a response that hold a chunk of an answer.

Types: https://github.com/ollama/ollama/blob/main/api/types.go (ChatResponse, GenerateResponse, Logprob)
"""

from collections.abc import Callable
from typing import Any

from llm_runtime.engines.engine import Chunk, Logprob

Shape = Callable[[Chunk], dict[str, Any]]


def generate_fields(chunk: Chunk) -> dict[str, Any]:
    """Return the fields of /api/generate."""
    fields: dict[str, Any] = {"response": chunk.text}
    _add_others(fields, chunk)
    if chunk.logprobs:
        fields["logprobs"] = [_logprob(entry) for entry in chunk.logprobs]
    return fields


def chat_fields(chunk: Chunk) -> dict[str, Any]:
    """Return the fields of /api/chat."""
    message: dict[str, Any] = {"role": "assistant", "content": chunk.text}
    _add_others(message, chunk)
    if chunk.logprobs:
        return {"message": message, "logprobs": [_logprob(entry) for entry in chunk.logprobs]}
    return {"message": message}


def _add_others(fields: dict[str, Any], chunk: Chunk) -> None:
    if chunk.thinking:
        fields["thinking"] = chunk.thinking
    if chunk.tool_calls:
        fields["tool_calls"] = [call.model_dump() for call in chunk.tool_calls]


def _logprob(entry: Logprob) -> dict[str, Any]:
    fields = {
        "token": entry.token,
        "logprob": entry.logprob,
        "bytes": list(entry.token.encode(errors="replace")),
    }
    return fields | ({"top_logprobs": [_logprob(other) for other in entry.top]} if entry.top else {})
