"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat."""

import time
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from llm_api.dialects.dialect import encode
from llm_api.dialects.fields import (
    Penalty,
    Probability,
    Seed,
    Stop,
    Stops,
    Strict,
    Temperature,
    Tokens,
    check_prompt,
    runtime_options,
)
from llm_api.errors import GatewayError, InvalidRequestError
from llm_api.record import Phases
from llm_api.settings import Settings
from llm_api.upstream.chunk import Chunk, Finish
from llm_api.upstream.client import Job

PREFIX = "chatcmpl-"


class TextPart(Strict):
    """A part of a message; only text is supported."""

    type: Literal["text"]
    text: str


class ChatMessage(Strict):
    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(max_length=1024, fail_fast=True)]
    name: str | None = None

    @property
    def text(self) -> str:
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(Strict):
    """Options of a stream; ignored for a whole answer."""

    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None


class TextFormat(Strict):
    """The one supported response format."""

    type: Literal["text"]


class ChatRequest(Strict):
    """Supported fields, plus common ones that are accepted only with the value that changes nothing."""

    invalid_value: ClassVar[type[InvalidRequestError]] = InvalidRequestError  # OpenAI answers 400, not 422

    model: str = Field(min_length=1, max_length=256)
    messages: list[ChatMessage] = Field(min_length=1, max_length=1024, fail_fast=True)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: Probability | None = None
    stop: Stop | Stops | None = None
    seed: Seed | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    store: Literal[False] | None = None
    response_format: TextFormat | None = None
    user: str | None = Field(None, max_length=512)
    metadata: dict[str, str] | None = None

    def job(self, model: str, settings: Settings) -> Job:
        check_prompt(sum(len(message.text) for message in self.messages), settings)
        options = self.model_dump(
            include={"temperature", "top_p", "seed", "presence_penalty", "frequency_penalty"},
            exclude_none=True,
        )
        if self.stop is not None:
            options["stop"] = [self.stop] if isinstance(self.stop, str) else self.stop
        if (limit := self._token_limit(settings)) is not None:
            options["num_predict"] = limit
        messages = [
            {"role": "system" if message.role == "developer" else message.role, "content": message.text}
            for message in self.messages
        ]
        payload = {"messages": messages, "options": runtime_options(options, settings)}
        return Job("/api/chat", model, payload, bool(self.stream))

    def answer_format(self, request_id: str, model: str) -> "ChatFormat":
        include_usage = bool(self.stream_options and self.stream_options.include_usage)
        return ChatFormat(request_id, model, include_usage=include_usage)

    def _token_limit(self, settings: Settings) -> int | None:
        """Return `max_completion_tokens`, else its older name `max_tokens`, else None."""
        for name in ("max_completion_tokens", "max_tokens"):
            value: int | None = getattr(self, name)
            if value is not None:
                if value > settings.max_output_tokens:
                    raise InvalidRequestError(
                        f"{name}: must be at most {settings.max_output_tokens}", param=name
                    )
                return value
        return None


class ChatFormat:
    """A chat completion, whole or as server-sent events."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, request_id: str, model: str, *, include_usage: bool) -> None:
        self._include_usage = include_usage
        self._common = {"id": PREFIX + request_id, "created": int(time.time()), "model": model}

    def first(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def pieces(self, chunks: list[Chunk]) -> bytes:
        return b"".join(self._chunk(delta) for chunk in chunks for delta in _deltas(chunk))

    def last(self, finish: Finish, phases: Phases) -> bytes:
        end = self._chunk({}, finish.reason, timings=phases.as_timings())
        if self._include_usage:
            end += _event(
                self._common | {"object": "chat.completion.chunk", "choices": [], "usage": _usage(finish)}
            )
        return end + b"data: [DONE]\n\n"

    def error(self, error: GatewayError) -> bytes:
        return _event(error.body())  # OpenAI's clients raise it

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        message = {"role": "assistant", "content": chunk.text, "refusal": None}
        if chunk.thinking:
            message["reasoning"] = chunk.thinking
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": finish.reason,
        }
        return self._common | {
            "object": "chat.completion",
            "choices": [choice],
            "usage": _usage(finish),
            "timings": phases.as_timings(),
        }

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._include_usage else {}
        return _event(self._common | {"object": "chat.completion.chunk", "choices": [choice]} | usage | more)


def _deltas(chunk: Chunk) -> Iterator[dict[str, str]]:
    """Yield thinking and text apart: clients show a delta as the one or the other."""
    if chunk.thinking:
        yield {"reasoning": chunk.thinking}
    if chunk.text:
        yield {"content": chunk.text}


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + encode(content) + b"\n\n"


def _usage(finish: Finish) -> dict[str, int]:
    prompt, generated = finish.usage.prompt_tokens, finish.usage.generated_tokens
    return {"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated}
