"""Chat completions, whole and streamed, as in https://platform.openai.com/docs/api-reference/chat/object."""

import copy
import time
from functools import cached_property
from typing import Any, Self

from llm_api.dialects.dialect import encode
from llm_api.dialects.openai import DONE, SSE, chat_logprobs, event, usage
from llm_api.dialects.translate.finish import openai_reason
from llm_api.dialects.translate.output import Arguments, Call, CallStart, Output, Piece, Text
from llm_api.dialects.translate.tools import Plan
from llm_api.errors import GatewayError
from llm_api.record import Phases
from llm_api.upstream.chunk import Chunk, Finish

PREFIX = "chatcmpl-"
MARK = "\x00"


class ChatFormat:
    """A chat completion of one or several choices, whole or as server-sent events.

    Args:
        request_id: Makes the completion's id.
        model: The name that the client asked for.
        plan: How the model was asked.
        choices: How many answers there will be.
        include_usage: Whether a stream ends with the usage.
    """

    media_type = SSE

    def __init__(
        self, request_id: str, model: str, plan: Plan, choices: int = 1, *, include_usage: bool = False
    ) -> None:
        self._plan, self._choices, self._include_usage = plan, choices, include_usage
        self._common = {"id": PREFIX + request_id, "created": int(time.time()), "model": model}
        self._index, self._output = 0, Output(plan)

    def choice(self, index: int) -> Self:
        """Return the format of one of several choices."""
        one = copy.copy(self)
        one._index, one._output = index, Output(self._plan)
        one.__dict__.pop("_around_text", None)
        return one

    def first(self) -> bytes:
        start = {"role": "assistant", "content": ""}
        return b"".join(self.choice(index)._event(start) for index in range(self._choices))

    def pieces(self, chunks: list[Chunk]) -> bytes:
        return b"".join(map(self._of_chunk, chunks))

    def last(self, finish: Finish, phases: Phases) -> bytes:
        return self.end(finish, phases) + self.close(finish)

    def end(self, finish: Finish, phases: Phases) -> bytes:
        """Return what ends one choice."""
        held = b"".join(self._event(_delta(piece)) for piece in self._output.rest())
        reason = openai_reason(finish, called=bool(self._output.calls))
        return held + self._event({}, reason, timings=phases.as_timings())

    def close(self, finish: Finish) -> bytes:
        """Return what follows after the last choice."""
        if not self._include_usage:
            return DONE
        last = {"object": "chat.completion.chunk", "choices": [], "usage": usage(finish)}
        return event(self._common | last) + DONE

    def error(self, error: GatewayError) -> bytes:
        return event(error.body())  # OpenAI's clients raise it

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        output = self._output.complete(chunk)
        choice = {
            "index": self._index,
            "message": _message(output),
            "logprobs": chat_logprobs(chunk.logprobs) if chunk.logprobs else None,
            "finish_reason": openai_reason(finish, called=bool(output.calls)),
        }
        return self.merged([{"choices": [choice]}], finish, phases)

    def merged(self, wholes: list[dict[str, Any]], finish: Finish, phases: Phases) -> dict[str, Any]:
        """Return one completion with the choices of several."""
        return self._common | {
            "object": "chat.completion",
            "choices": [choice for whole in wholes for choice in whole["choices"]],
            "usage": usage(finish),
            "timings": phases.as_timings(),
        }

    def _of_chunk(self, chunk: Chunk) -> bytes:
        if self._plan.is_plain and not (chunk.thinking or chunk.tool_calls or chunk.logprobs):
            before, after = self._around_text
            return before + encode(chunk.text) + after
        deltas = [_delta(piece) for piece in self._output.read(chunk)]
        if not chunk.logprobs:
            return b"".join(map(self._event, deltas))
        first, *others = deltas or [{}]
        return self._event(first, logprobs=chat_logprobs(chunk.logprobs)) + b"".join(map(self._event, others))

    @cached_property
    def _around_text(self) -> tuple[bytes, bytes]:
        """What is around the text in an event: most events differ in nothing else."""
        before, _, after = self._event({"content": MARK}).partition(encode(MARK))
        return before, after

    def _event(
        self, delta: dict[str, Any], finish_reason: str | None = None, logprobs: Any = None, **more: Any
    ) -> bytes:
        choice = {"index": self._index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}
        no_usage = {"usage": None} if self._include_usage else {}
        return event(
            self._common | {"object": "chat.completion.chunk", "choices": [choice]} | no_usage | more
        )


def _delta(piece: Piece) -> dict[str, Any]:
    if isinstance(piece, Text):
        return {"content": piece.text}
    if isinstance(piece, CallStart):
        return {"tool_calls": [{"index": piece.call.index} | _call(piece.call, "")]}
    if isinstance(piece, Arguments):
        return {"tool_calls": [{"index": piece.call.index, "function": {"arguments": piece.text}}]}
    return {"reasoning": piece.text}


def _call(call: Call, arguments: str) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _message(output: Output) -> dict[str, Any]:
    """Return a whole message; like OpenAI's, its content is null if there are only calls."""
    content = output.text if output.text or not output.calls else None
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None}
    if output.thinking:
        message["reasoning"] = output.thinking
    if output.calls:
        message["tool_calls"] = [_call(call, call.arguments) for call in output.calls]
    return message
