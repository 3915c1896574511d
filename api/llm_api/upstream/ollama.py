"""Parses Ollama's responses: NDJSON, usage, errors (https://github.com/ollama/ollama/blob/main/docs/api.md)."""

import json
import math
import re
import secrets
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx
from pydantic_core import from_json

from llm_api.errors import (
    ContextLengthError,
    GatewayError,
    InvalidRequestError,
    ModelCrashedError,
    OutOfMemoryError,
    RuntimeBusyError,
    RuntimeFailedError,
    RuntimeLimitError,
    UnknownModelError,
)
from llm_api.record import Usage
from llm_api.upstream.chunk import Chunk, Finish, ToolCall

MAX_LINE_BYTES = 16 * 2**20
NANO = 1e-9
# What reading JSON of an unexpected shape raises; RecursionError comes from excessive nesting.
MALFORMED = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
# How Ollama and llama.cpp word their refusal of a prompt that is too long.
TOO_LONG = re.compile(r"context (length|size|window)|exceeds? the (available )?context", re.IGNORECASE)
# How Ollama words its own ends (llm/status.go and llm/llama_server.go of its source). Its report of a crash
# may quote the memory that was missing, which then is the reason.
OUT_OF_MEMORY = re.compile(
    r"out of (device )?memory|(insufficient|not enough|more system) memory|[cm]alloc failed"
    r"|failed to allocate|allocation failed|outofmemory|signal: killed",
    re.IGNORECASE,
)
CRASHED = re.compile(r"unexpectedly stopped|process has terminated|process no longer running", re.IGNORECASE)
DEFAULT_RETRY_SECONDS = 2


@dataclass(slots=True)
class Reader:
    """Reads a response as it arrives.

    Attributes:
        finish: The end of the generation, once it has been read.
        error: Why there is none: the response reports an error, or is not in Ollama's format.
    """

    finish: Finish | None = None
    error: RuntimeFailedError | None = None
    _rest: bytes = b""
    _count: int = 0

    def read(self, received: bytes | None) -> list[Chunk] | None:
        """Return the output in the lines that are complete now; None if there is no such line.

        Args:
            received: What has arrived; None at the end of the response.
        """
        *lines, self._rest = [self._rest, b""] if received is None else (self._rest + received).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            self.error = RuntimeFailedError(f"the runtime sent a line of more than {MAX_LINE_BYTES} bytes")
        if not lines:
            return None
        chunks: list[Chunk] = []
        try:
            self.finish = parse(lines, chunks)
        except RuntimeFailedError as error:
            self.error = error  # It does not take what arrived together with it.
        self._count += len(chunks)
        if received is None and not self.finish and not self.error:
            self._end()
        return chunks

    def _end(self) -> None:
        """Finish a response without a last object: Ollama stops a model that repeats itself like that.

        Its chunks are then the only count of the tokens.
        """
        if self._count:
            self.finish = Finish("stop", Usage(0, self._count), 0.0, 0.0)
        else:
            self.error = RuntimeFailedError("the runtime's response ended early")


def _reject(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


_loads = json.JSONDecoder(parse_constant=_reject).decode


def parse(lines: list[bytes], chunks: list[Chunk]) -> Finish | None:
    """Add the output in these lines to `chunks`, and return the end of the generation if it is among them.

    Raises:
        RuntimeFailedError: A line reports an error, or is not in Ollama's format.
    """
    for line in filter(None, lines):
        try:
            event = _event(line)
            if "error" in event:
                raise failure(f"the runtime failed: {event['error']}")
            if "embeddings" in event:
                chunks.append(Chunk(embeddings=_vectors(event["embeddings"])))
                return _finish(event)
            output = event.get("message", event)
            text, thinking = output["response" if output is event else "content"], output.get("thinking")
            calls, logprobs = output.get("tool_calls"), event.get("logprobs")
            if text or thinking or calls or logprobs:
                chunks.append(_chunk(text, thinking, calls, logprobs))
            if event.get("done"):
                return _finish(event)
        except MALFORMED as error:
            raise RuntimeFailedError("the runtime's response is not in Ollama's format") from error
    return None


def _event(line: bytes) -> Any:
    """Read a line of JSON; what the faster parser refuses may be a lone surrogate, which Python's accepts."""
    try:
        return from_json(line, allow_inf_nan=False)
    except ValueError:
        return _loads(line.decode())


def _chunk(text: Any, thinking: Any, calls: Any, logprobs: Any) -> Chunk:
    chunk = Chunk(text, thinking or "")
    if not (isinstance(text, str) and isinstance(chunk.thinking, str)):
        raise TypeError("a text is not a string")
    if calls:
        chunk.tool_calls = [_tool_call(call) for call in calls]
    if logprobs:
        chunk.logprobs = [_logprob(entry) for entry in logprobs]
    return chunk


def _tool_call(call: dict[str, Any]) -> ToolCall:
    name, arguments = call["function"]["name"], call["function"].get("arguments") or {}
    if not (isinstance(name, str) and isinstance(arguments, dict)):
        raise TypeError("a call is not a name and an object of arguments")
    json.dumps(arguments, allow_nan=False)  # Python reads 1e999 as infinity, which JSON does not have.
    return ToolCall(str(call.get("id") or f"call_{secrets.token_hex(8)}"), name, arguments)


def _logprob(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a token's entry with the fields that Ollama documents; `bytes` is missing in some versions."""
    token, logprob = entry["token"], float(entry["logprob"])
    if not (isinstance(token, str) and math.isfinite(logprob)):
        raise TypeError("a log probability is not a token and a number")
    checked: dict[str, Any] = {"token": token, "logprob": logprob}
    if entry.get("bytes") is not None:
        checked["bytes"] = list(bytes(entry["bytes"]))
    if entry.get("top_logprobs"):
        checked["top_logprobs"] = [_logprob(other) for other in entry["top_logprobs"]]
    return checked


def _vectors(embeddings: list[list[float]]) -> list[list[float]]:
    if not all(math.isfinite(sum(vector)) for vector in embeddings):
        raise ValueError("a vector has an infinite part")
    return embeddings


def _finish(event: dict[str, Any]) -> Finish:
    """Read the last object, from which Ollama omits zeros."""
    usage = Usage(_amount(event, "prompt_eval_count"), _amount(event, "eval_count"))
    load, decode = _amount(event, "load_duration") * NANO, _amount(event, "eval_duration") * NANO
    return Finish(str(event.get("done_reason") or "stop"), usage, load, decode)


def _amount(event: dict[str, Any], name: str) -> int:
    """Return a non-negative integer, capped so that the sums of the metrics cannot overflow."""
    amount = int(event.get(name, 0))
    return amount if 0 <= amount < 2**63 else max(0, min(amount, 2**63 - 1))


def failure(message: str) -> RuntimeFailedError:
    """Return the error for a failure inside the runtime, told apart by Ollama's words for it."""
    if OUT_OF_MEMORY.search(message):
        return OutOfMemoryError(message)
    return ModelCrashedError(message) if CRASHED.search(message) else RuntimeFailedError(message)


def error_of(status: int, headers: httpx.Headers, content: bytes, model: str) -> GatewayError:
    """Return the error for a response whose status is not 200."""
    try:
        message = str(json.loads(content)["error"])
    except MALFORMED:
        message = content[:200].decode(errors="replace")
    if status == 404:
        return UnknownModelError(model)
    if status == 400:
        kind = ContextLengthError if TOO_LONG.search(message) else InvalidRequestError
        return kind(f"the runtime rejected the request: {message}")
    if status in (429, 503):
        busy = RuntimeLimitError if status == 429 else RuntimeBusyError
        return busy(f"the runtime is busy: {message}", retry_after=_retry_after(headers))
    return failure(f"the runtime responded with status {status}: {message}")


def _retry_after(headers: httpx.Headers) -> int:
    """Return the runtime's Retry-After in seconds, or 2 if it sent none or a date."""
    given = headers.get("retry-after", "")
    return int(given) if re.fullmatch(r"[0-9]{1,6}", given) else DEFAULT_RETRY_SECONDS
