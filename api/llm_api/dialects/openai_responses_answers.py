"""Answers in OpenAI's responses: https://platform.openai.com/docs/api-reference/responses/object."""

import time
from collections import deque
from collections.abc import Iterable
from typing import Any

from llm_api.dialects.dialect import encode
from llm_api.dialects.openai import SSE
from llm_api.dialects.openai_responses_output import Event, Items
from llm_api.errors import GatewayError
from llm_api.record import Phases
from llm_api.upstream.chunk import Chunk, Finish

PREFIX = "resp_"


class ResponseFormat:
    """A response, whole or as server-sent events; a whole one is what the events of one build up.

    Args:
        request_id: Makes the response's id.
        request: The fields of the response that repeat the request.
        items: Reads the answer.
    """

    media_type = SSE

    def __init__(self, request_id: str, request: dict[str, Any], items: Items) -> None:
        self._items, self._started = items, False
        self._number = 2  # of the next event after the two that start the stream
        self._common = {
            "id": PREFIX + request_id,
            "object": "response",
            "created_at": int(time.time()),
            "background": False,
            "store": False,  # whatever the request says
            "service_tier": "default",
            "previous_response_id": None,
            "max_tool_calls": None,
            "safety_identifier": None,
            "prompt_cache_key": None,
        } | request

    def first(self) -> bytes:
        self._started = True
        response = self._response("in_progress", output=[])
        return b"".join(
            _event(kind, number, response=response)
            for number, kind in enumerate(("response.created", "response.in_progress"))
        )

    def pieces(self, chunks: list[Chunk]) -> bytes:
        return b"".join(self._events(self._items.read(chunk)) for chunk in chunks)

    def last(self, finish: Finish, phases: Phases) -> bytes:
        rest = self._events(self._items.end(complete=finish.reason != "length"))
        response = self._ended(finish, phases)
        return rest + self._events([(f"response.{response['status']}", {"response": response})])

    def error(self, error: GatewayError) -> bytes:
        """Return what ends a stream that failed, even if nothing was sent before but comments."""
        start = b"" if self._started else self.first()
        told = {"code": error.code, "message": error.message, "param": error.param}
        failure = {"code": _error_code(error), "message": error.message}
        failed = self._response("failed", output=self._items.all, error=failure)
        return start + self._events([("error", told), ("response.failed", {"response": failed})])

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        deque(self._items.read(chunk), maxlen=0)
        deque(self._items.end(complete=finish.reason != "length"), maxlen=0)
        self._items.reasoning_tokens = 0  # Nobody counted them.
        return self._ended(finish, phases)

    def _events(self, events: Iterable[Event]) -> bytes:
        sent = []
        for kind, fields in events:
            sent.append(_event(kind, self._number, **fields))
            self._number += 1
        return b"".join(sent)

    def _ended(self, finish: Finish, phases: Phases) -> dict[str, Any]:
        incomplete = finish.reason == "length"
        return self._response(
            "incomplete" if incomplete else "completed",
            output=self._items.all,
            completed_at=None if incomplete else int(time.time()),
            incomplete_details={"reason": "max_output_tokens"} if incomplete else None,
            usage=self._usage(finish),
            timings=phases.as_timings(),
        )

    def _usage(self, finish: Finish) -> dict[str, Any]:
        prompt, generated = finish.usage.prompt_tokens, finish.usage.generated_tokens
        return {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": generated,
            "output_tokens_details": {"reasoning_tokens": min(self._items.reasoning_tokens, generated)},
            "total_tokens": prompt + generated,
        }

    def _response(self, status: str, **fields: Any) -> dict[str, Any]:
        nothing = {"completed_at": None, "error": None, "incomplete_details": None, "usage": None}
        return self._common | {"status": status} | nothing | fields


def _event(kind: str, number: int, **fields: Any) -> bytes:
    return (
        f"event: {kind}\ndata: ".encode()
        + encode({"type": kind, "sequence_number": number, **fields})
        + b"\n\n"
    )


def _error_code(error: GatewayError) -> str:
    """Return one of the codes that OpenAI has for a response that failed."""
    if error.status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if error.status < 500 else "server_error"
