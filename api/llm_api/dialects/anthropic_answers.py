"""Answers of Anthropic's Messages API: https://platform.claude.com/docs/en/build-with-claude/streaming."""

import re
from typing import Any

from pydantic_core import from_json

from llm_api.dialects.anthropic_errors import anthropic_body
from llm_api.dialects.dialect import encode
from llm_api.dialects.translate.output import Call, CallStart, Output, Piece, Text, Thinking
from llm_api.dialects.translate.tools import Plan
from llm_api.errors import GatewayError
from llm_api.record import Phases, Usage
from llm_api.upstream.chunk import Chunk, Finish

PREFIX = "msg_"
# Clients send a block of thinking back only if it is signed; nothing here checks the signature.
SIGNATURE = "unsigned"
UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")  # in ids of calls


class MessageFormat:
    """A message, whole or as server-sent events: each block starts, grows, and stops before the next one.

    Args:
        request_id: Makes the message's id.
        model: The name that the client asked for.
        plan: How the model was asked.
        show_thinking: Whether blocks of thinking have their text.
    """

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, request_id: str, model: str, plan: Plan, *, show_thinking: bool) -> None:
        self._request_id, self._model, self._plan, self._show_thinking = (
            request_id,
            model,
            plan,
            show_thinking,
        )
        self._output = Output(plan)
        self._index = -1
        self._open = ""  # the type of the block that has not stopped yet

    def first(self) -> bytes:
        message = self._message([], None, Finish("", Usage(), 0.0, 0.0))
        return _event("message_start", message=message) + _event("ping")

    def pieces(self, chunks: list[Chunk]) -> bytes:
        return b"".join(self._piece(piece) for chunk in chunks for piece in self._output.read(chunk))

    def last(self, finish: Finish, phases: Phases) -> bytes:
        rest = b"".join(map(self._piece, self._output.rest()))
        delta = {"stop_reason": _stop_reason(finish, self._output), "stop_sequence": None}
        return (
            rest
            + self._stop()
            + _event("message_delta", delta=delta, usage=_usage(finish))
            + _event("message_stop")
        )

    def error(self, error: GatewayError) -> bytes:
        error.request_id = self._request_id
        return b"event: error\ndata: " + encode(anthropic_body(error)) + b"\n\n"

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        output = self._output.complete(chunk)
        content: list[dict[str, Any]] = []
        if output.thinking:
            shown = output.thinking if self._show_thinking else ""
            content.append({"type": "thinking", "thinking": shown, "signature": SIGNATURE})
        if output.text:
            content.append(_text(output.text))
        content += [_tool_use(call, _arguments(call.arguments)) for call in output.calls]
        return self._message(content, _stop_reason(finish, output), finish)

    def _piece(self, piece: Piece) -> bytes:
        if isinstance(piece, Thinking):
            start = self._start({"type": "thinking", "thinking": "", "signature": ""})
            return start + (self._delta("thinking", thinking=piece.text) if self._show_thinking else b"")
        if isinstance(piece, Text):
            return self._start(_text("")) + self._delta("text", text=piece.text)
        if isinstance(piece, CallStart):
            return self._stop() + self._start(_tool_use(piece.call, {}))
        return self._delta("input_json", partial_json=piece.text)

    def _start(self, block: dict[str, Any]) -> bytes:
        """Start a block, unless one of its type is open."""
        if self._open == block["type"]:
            return b""
        stop = self._stop()
        self._open, self._index = block["type"], self._index + 1
        return stop + _event("content_block_start", index=self._index, content_block=block)

    def _delta(self, kind: str, **content: str) -> bytes:
        delta = {"type": f"{kind}_delta", **content}
        return _event("content_block_delta", index=self._index, delta=delta)

    def _stop(self) -> bytes:
        """Stop the block that is open, if one is."""
        if not self._open:
            return b""
        signature = self._delta("signature", signature=SIGNATURE) if self._open == "thinking" else b""
        self._open = ""
        return signature + _event("content_block_stop", index=self._index)

    def _message(
        self, content: list[dict[str, Any]], stop_reason: str | None, finish: Finish
    ) -> dict[str, Any]:
        return {
            "id": PREFIX + self._request_id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
            "stop_details": None,
            "container": None,
            "usage": _usage(finish)
            | {"cache_creation": None, "inference_geo": None, "service_tier": "standard"},
        }


class CountFormat(MessageFormat):
    """A message of which only the size of its prompt is told."""

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        return {"input_tokens": finish.usage.prompt_tokens}


def _event(kind: str, **content: Any) -> bytes:
    return f"event: {kind}\ndata: ".encode() + encode({"type": kind, **content}) + b"\n\n"


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text, "citations": None}


def _tool_use(call: Call, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": UNSAFE.sub("_", call.id),
        "name": call.name,
        "input": arguments,
        "caller": {"type": "direct"},
    }


def _arguments(text: str) -> dict[str, Any]:
    """Return arguments; those that max_tokens cut off, as far as they go."""
    try:
        found = from_json(text, allow_partial=True)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _stop_reason(finish: Finish, output: Output) -> str:
    """Return the reason, which is never `stop_sequence`.

    llama.cpp tells a stop sequence from the end that the model chose; Ollama reports "stop" for both
    (https://github.com/ollama/ollama/blob/main/llm/server.go, DoneReason).
    """
    if finish.reason == "length":
        return "max_tokens"
    return "tool_use" if output.calls else "end_turn"


def _usage(finish: Finish) -> dict[str, Any]:
    return {
        "input_tokens": finish.usage.prompt_tokens,
        "output_tokens": finish.usage.generated_tokens,
        "output_tokens_details": None,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "server_tool_use": None,
    }
