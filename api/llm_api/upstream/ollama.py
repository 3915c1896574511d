"""Parses Ollama's responses: NDJSON, usage, errors (https://github.com/ollama/ollama/blob/main/docs/api.md)."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from llm_api.errors import (
    GatewayError,
    InvalidRequestError,
    RuntimeBusyError,
    RuntimeFailedError,
    UnknownModelError,
)
from llm_api.record import Usage

MAX_LINE_BYTES = 16 * 2**20
NANO = 1e-9
# What reading JSON of an unexpected shape raises; RecursionError comes from excessive nesting.
MALFORMED = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of a generation. Durations in seconds."""

    reason: str
    usage: Usage
    load: float
    decode: float


async def events(response: httpx.Response) -> AsyncIterator[tuple[list[str], Finish | None]]:
    """Yield the texts that arrived together, and with the last ones the end of the generation.

    Ollama stops a model that repeats itself; the response then ends regularly, but without a last object, and
    its pieces are the only count of the tokens.

    Raises:
        RuntimeFailedError: The response reports an error, or is not in Ollama's format.
    """
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - narrows the type
    rest, pieces = b"", 0
    async for chunk in response.stream:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise RuntimeFailedError(f"the runtime sent a line of more than {MAX_LINE_BYTES} bytes")
        if lines:
            texts, finish = parse(lines)
            yield texts, finish
            pieces += len(texts)
    if rest:
        texts, finish = parse([rest])
        yield texts, finish
        pieces += len(texts)
    if pieces:
        yield [], Finish("stop", Usage(0, pieces), 0.0, 0.0)


def parse(lines: list[bytes]) -> tuple[list[str], Finish | None]:
    """Return the texts of these lines, and the end of the generation if it is among them.

    Raises:
        RuntimeFailedError: A line reports an error, or is not in Ollama's format.
    """
    texts: list[str] = []
    for line in filter(None, lines):
        try:
            event = json.loads(line)
            if "error" in event:
                raise RuntimeFailedError(f"the runtime failed: {event['error']}")
            if text := event["message"]["content"] if "message" in event else event["response"]:
                if not isinstance(text, str):
                    raise TypeError("the text is not a string")
                texts.append(text)
            if event.get("done"):
                return texts, _finish(event)
        except MALFORMED as error:
            raise RuntimeFailedError("the runtime's response is not in Ollama's format") from error
    return texts, None


def _finish(event: dict[str, Any]) -> Finish:
    """Read the last object, from which Ollama omits zeros."""
    usage = Usage(_amount(event, "prompt_eval_count"), _amount(event, "eval_count"))
    load, decode = _amount(event, "load_duration") * NANO, _amount(event, "eval_duration") * NANO
    return Finish(str(event.get("done_reason") or "stop"), usage, load, decode)


def _amount(event: dict[str, Any], name: str) -> int:
    """Return a non-negative integer, capped so that the sums of the metrics cannot overflow."""
    return max(0, min(int(event.get(name, 0)), 2**63 - 1))


def error_of(status: int, content: bytes, model: str) -> GatewayError:
    """Return the error for a response whose status is not 200."""
    try:
        message = str(json.loads(content)["error"])
    except MALFORMED:
        message = content[:200].decode(errors="replace")
    if status == 404:
        return UnknownModelError(model)
    if status == 400:
        return InvalidRequestError(f"the runtime rejected the request: {message}")
    if status == 503:
        return RuntimeBusyError(f"the runtime is busy: {message}", retry_after=2)
    return RuntimeFailedError(f"the runtime responded with status {status}: {message}")
