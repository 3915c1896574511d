"""What a dialect, the API that one kind of client speaks, provides: a request and the format of its answer.

Each dialect is one file beside this one: its schema, its translation to Ollama, and its answers.
"""

import json
from typing import Any, Protocol, Self

from pydantic_core import PydanticSerializationError, to_json

from llm_api.errors import GatewayError
from llm_api.record import Phases
from llm_api.settings import Settings
from llm_api.upstream.chunk import Chunk, Finish
from llm_api.upstream.client import Job


def encode(content: dict[str, Any] | str) -> bytes:
    """Return compact JSON. A lone surrogate, which UTF-8 cannot encode, becomes a question mark."""
    try:
        return to_json(content)
    except PydanticSerializationError:
        return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


class AnswerFormat(Protocol):
    """How a dialect writes one answer, streamed or whole."""

    media_type: str  # of a stream; a whole answer is JSON

    def first(self) -> bytes:
        """Return what starts a stream, before any output."""

    def pieces(self, chunks: list[Chunk]) -> bytes:
        """Return output that arrived together."""

    def last(self, finish: Finish, phases: Phases) -> bytes:
        """Return what ends a stream."""

    def error(self, error: GatewayError) -> bytes:
        """Return what ends a stream that failed."""

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        """Return a whole answer."""


class ChoicesFormat(AnswerFormat, Protocol):
    """How a dialect writes several answers to one request; `first` and `error` are for all of them."""

    def choice(self, index: int) -> Self:
        """Return the format of one of them."""

    def end(self, finish: Finish, phases: Phases) -> bytes:
        """Return what ends this answer in a stream."""

    def close(self, finish: Finish) -> bytes:
        """Return what ends the stream, after all answers."""

    def merged(self, wholes: list[dict[str, Any]], finish: Finish, phases: Phases) -> dict[str, Any]:
        """Return one response from the whole answers."""


class GenerationRequest(Protocol):
    """A validated request body."""

    @property
    def model(self) -> str | None:
        """Return the name of a model; None for the default one."""

    def job(self, model: str, settings: Settings) -> Job:
        """Translate the request to Ollama's API. Raises InvalidRequestError if it is over a limit."""

    def answer_format(self, request_id: str, model: str) -> AnswerFormat:
        """Return the format of the answer, which names `model`: the one that the client asked for.

        That of a job with several choices is a `ChoicesFormat`.
        """
