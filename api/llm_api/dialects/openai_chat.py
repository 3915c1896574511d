"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat."""

import time
from typing import Annotated, Any, Literal

from pydantic import Field

from llm_api.dialects.dialect import encode
from llm_api.dialects.generate import (
    WHOLE,
    Penalty,
    Probability,
    Seed,
    Stop,
    Strict,
    check_prompt,
    runtime_options,
)
from llm_api.errors import GatewayError, InvalidRequestError
from llm_api.settings import Settings
from llm_api.trace import Trace
from llm_api.upstream.client import Job
from llm_api.upstream.ollama import Finish

PREFIX = "chatcmpl-"
Tokens = Annotated[int, Field(ge=1), WHOLE]


class TextPart(Strict):
    """A part of a message; others than text are refused."""

    type: Literal["text"]
    text: str


class ChatMessage(Strict):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | Annotated[list[TextPart], Field(max_length=1024, fail_fast=True)]
    name: str | None = None

    @property
    def text(self) -> str:
        """The content as one text."""
        return self.content if isinstance(self.content, str) else "".join(part.text for part in self.content)


class StreamOptions(Strict):
    """What a stream has beside the answer."""

    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None


class TextFormat(Strict):
    """The one format there is."""

    type: Literal["text"]


class ChatRequest(Strict):
    """The fields that have an effect; some more that clients send, if they ask for nothing."""

    model: str = Field(min_length=1, max_length=256)
    messages: list[ChatMessage] = Field(min_length=1, max_length=1024, fail_fast=True)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: Probability | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=8, fail_fast=True)] | None = None
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
        """Return what the runtime is asked. Raises InvalidRequestError for what is over a limit."""
        check_prompt(sum(len(message.text) for message in self.messages), settings)
        options = self.model_dump(
            include={"temperature", "top_p", "seed", "presence_penalty", "frequency_penalty"},
            exclude_none=True,
        )
        if self.stop is not None:
            options["stop"] = [self.stop] if isinstance(self.stop, str) else self.stop
        if (most := self._most_tokens(settings)) is not None:
            options["num_predict"] = most
        messages = [
            {"role": "system" if message.role == "developer" else message.role, "content": message.text}
            for message in self.messages
        ]
        body = {"messages": messages, "options": runtime_options(options, settings)}
        return Job("/api/chat", model, body, bool(self.stream))

    def _most_tokens(self, settings: Settings) -> int | None:
        """The newer name wins."""
        for name in ("max_completion_tokens", "max_tokens"):
            value: int | None = getattr(self, name)
            if value is not None:
                if value > settings.max_output_tokens:
                    raise InvalidRequestError(f"{name}: at most {settings.max_output_tokens}", param=name)
                return value
        return None


class ChatShape:
    """A chat completion, whole or as server-sent events."""

    media_type = "text/event-stream; charset=utf-8"

    def __init__(self, trace: Trace, *, include_usage: bool) -> None:
        self._trace, self._include_usage = trace, include_usage
        self._common = {"id": PREFIX + trace.id, "created": int(time.time()), "model": trace.model}

    def first(self) -> bytes:
        """The event that opens a stream."""
        return self._chunk({"role": "assistant", "content": ""})

    def pieces(self, texts: list[str]) -> bytes:
        """An event for each piece of text."""
        return b"".join(self._chunk({"content": text}) for text in texts)

    def last(self, finish: Finish) -> bytes:
        """The events that close a stream."""
        end = self._chunk({}, finish.reason, timings=self._trace.phases.as_timings())
        if self._include_usage:
            end += _event(
                self._common | {"object": "chat.completion.chunk", "choices": [], "usage": _usage(finish)}
            )
        return end + b"data: [DONE]\n\n"

    def error(self, error: GatewayError) -> bytes:
        """The event that ends a stream that cannot go on; OpenAI's clients raise it."""
        return _event(error.body())

    def whole(self, text: str, finish: Finish) -> dict[str, Any]:
        """The answer as one object."""
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text, "refusal": None},
            "logprobs": None,
            "finish_reason": finish.reason,
        }
        return self._common | {
            "object": "chat.completion",
            "choices": [choice],
            "usage": _usage(finish),
            "timings": self._trace.phases.as_timings(),
        }

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        usage = {"usage": None} if self._include_usage else {}
        return _event(self._common | {"object": "chat.completion.chunk", "choices": [choice]} | usage | more)


def _event(content: dict[str, Any]) -> bytes:
    return b"data: " + encode(content) + b"\n\n"


def _usage(finish: Finish) -> dict[str, int]:
    prompt, generated = finish.usage.prompt_tokens, finish.usage.generated_tokens
    return {"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated}
