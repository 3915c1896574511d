"""Ollama's answers: NDJSON, usage, errors (https://github.com/ollama/ollama/blob/main/docs/api.md)."""

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
# What reading JSON of another shape than expected raises; RecursionError is for nesting without end.
NONSENSE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of an answer. Durations in seconds."""

    reason: str
    usage: Usage
    load: float
    decode: float


async def events(response: httpx.Response) -> AsyncIterator[tuple[list[str], Finish | None]]:
    """Yield what arrived together: texts, and the end where it is among them. Raises RuntimeFailedError.

    Ollama gives up on a model that repeats itself, and ends that answer in good order without a last object:
    its pieces are the only count of its tokens then.
    """
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - narrows the type
    rest, pieces = b"", 0
    async for chunk in response.stream:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise RuntimeFailedError("the runtime sent a line without an end")
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
    """Return the texts of these lines, and the end where it is among them. Raises RuntimeFailedError."""
    texts: list[str] = []
    for line in filter(None, lines):
        try:
            event = json.loads(line)
            if "error" in event:
                raise RuntimeFailedError(f"the runtime failed: {event['error']}")
            if text := event["message"]["content"] if "message" in event else event["response"]:
                if not isinstance(text, str):
                    raise TypeError("text that is none")
                texts.append(text)
            if event.get("done"):
                return texts, _finish(event)
        except NONSENSE as error:
            raise RuntimeFailedError("the runtime answered what is not Ollama's API") from error
    return texts, None


def _finish(event: dict[str, Any]) -> Finish:
    """The last object; Ollama leaves out what is 0."""
    usage = Usage(_amount(event, "prompt_eval_count"), _amount(event, "eval_count"))
    load, decode = _amount(event, "load_duration") * NANO, _amount(event, "eval_duration") * NANO
    return Finish(str(event.get("done_reason") or "stop"), usage, load, decode)


def _amount(event: dict[str, Any], name: str) -> int:
    """A count, or nanoseconds: nothing that the sums of the metrics could not bear."""
    return max(0, min(int(event.get(name, 0)), 2**63 - 1))


def refusal(status: int, content: bytes, model: str) -> GatewayError:
    """Return what an answer other than 200 means for the gateway's client."""
    try:
        said = str(json.loads(content)["error"])
    except NONSENSE:
        said = content[:200].decode(errors="replace")
    if status == 404:
        return UnknownModelError(model)
    if status == 400:
        return InvalidRequestError(f"the runtime refuses the request: {said}")
    if status == 503:
        return RuntimeBusyError(f"the runtime is busy: {said}", retry_after=2)
    return RuntimeFailedError(f"the runtime answered {status}: {said}")
