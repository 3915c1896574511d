"""What an answer looks like on the wire."""

import json
from typing import Any, Protocol

from llm_api.errors import GatewayError
from llm_api.trace import Trace
from llm_api.upstream.ollama import Finish

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode(content: dict[str, Any]) -> bytes:
    """Return compact JSON; a lone surrogate, which UTF-8 does not have, becomes a question mark."""
    return _dumps(content).encode(errors="replace")


class Shape(Protocol):
    """How one API writes an answer, in a stream or as a whole."""

    media_type: str

    def first(self) -> bytes:
        """What opens a stream, before its first piece."""

    def pieces(self, texts: list[str]) -> bytes:
        """Pieces of text that came together."""

    def last(self, finish: Finish) -> bytes:
        """What closes a stream."""

    def error(self, error: GatewayError) -> bytes:
        """What ends a stream that cannot go on."""

    def whole(self, text: str, finish: Finish) -> dict[str, Any]:
        """The answer as one object."""


class GenerateShape:
    """Answers of /generate: an object, or NDJSON."""

    media_type = "application/x-ndjson"

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    def first(self) -> bytes:
        """Nothing: the first line is the first piece."""
        return b""

    def pieces(self, texts: list[str]) -> bytes:
        """A line for each piece."""
        model = self._trace.model
        return b"".join(encode({"model": model, "response": text, "done": False}) + b"\n" for text in texts)

    def last(self, finish: Finish) -> bytes:
        """The line with `done`."""
        return encode(self.whole("", finish)) + b"\n"

    def error(self, error: GatewayError) -> bytes:
        """A line with the error, and none with `done`."""
        return encode(error.body()) + b"\n"

    def whole(self, text: str, finish: Finish) -> dict[str, Any]:
        """The answer with its usage and timings."""
        return {
            "model": self._trace.model,
            "response": text,
            "done": True,
            "done_reason": finish.reason,
            "usage": {
                "prompt_tokens": finish.usage.prompt_tokens,
                "generated_tokens": finish.usage.generated_tokens,
            },
            "timings": self._trace.phases.as_timings(),
        }
