"""OpenAI's completions, which editors use: https://platform.openai.com/docs/api-reference/completions."""

import time
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from llm_api.dialects.decisions import ANY_VALUE, Documented
from llm_api.dialects.fields import (
    INTEGER,
    Penalty,
    Probability,
    Seed,
    Stop,
    Stops,
    Temperature,
    Tokens,
    check_prompt,
    runtime_options,
)
from llm_api.dialects.openai import DONE, SSE, StreamOptions, event, usage
from llm_api.dialects.openai_embeddings import NO_TOKEN_IDS, Text
from llm_api.errors import GatewayError, InvalidRequestError
from llm_api.record import Phases
from llm_api.settings import Settings
from llm_api.upstream.chunk import Chunk, Finish
from llm_api.upstream.client import Job

SAMPLING = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty")


def _one_prompt(value: Any) -> Any:
    if isinstance(value, list) and len(value) > 1:
        raise PydanticCustomError("prompts", "only one prompt is supported; send a request for each")
    return value


class CompletionRequest(Documented):
    """A text to continue, as it is: without the model's chat template."""

    NEUTRAL: ClassVar = {
        "best_of": (1,),
        "n": (1,),
        "logit_bias": ({},),
        "user": ANY_VALUE,
    }
    REFUSED: ClassVar = {
        "best_of": "choose among the answers to several requests",
        "n": "send several requests",
        "logit_bias": "say in the prompt what to avoid",
    }

    model: str = Field(min_length=1, max_length=256)
    prompt: Annotated[
        Text | Annotated[list[Text], Field(min_length=1, max_length=1)],
        BeforeValidator(_one_prompt),
        NO_TOKEN_IDS,
    ]
    suffix: str | None = Field(None, description="Text that follows the answer: fill in the middle.")
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=20), INTEGER] | None = None
    max_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: Probability | None = None
    seed: Seed | None = None
    stop: Stop | Stops | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    @property
    def text(self) -> str:
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]

    def job(self, model: str, settings: Settings) -> Job:
        check_prompt(len(self.text) + len(self.suffix or ""), settings)
        if self.echo and self.logprobs is not None:
            raise InvalidRequestError(
                "echo: not supported with logprobs, which the runtime has of generated tokens only",
                param="echo",
            )
        if (self.max_tokens or 0) > settings.max_output_tokens:
            raise InvalidRequestError(
                f"max_tokens: must be at most {settings.max_output_tokens}", param="max_tokens"
            )
        # The runtime puts a suffix in its place by the model's template.
        payload: dict[str, Any] = {"prompt": self.text, "think": False}
        payload |= {"suffix": self.suffix} if self.suffix else {"raw": True}
        if self.logprobs is not None:
            payload |= {"logprobs": True, "top_logprobs": self.logprobs}
        payload["options"] = runtime_options(self._options(), settings)
        return Job("/api/generate", model, payload, bool(self.stream), ("insert",) if self.suffix else ())

    def answer_format(self, request_id: str, model: str) -> "CompletionFormat":
        include_usage = bool(self.stream_options and self.stream_options.include_usage)
        return CompletionFormat(
            request_id, model, self.text if self.echo else "", include_usage=include_usage
        )

    def _options(self) -> dict[str, Any]:
        options = {name: value for name in SAMPLING if (value := getattr(self, name)) is not None}
        if self.stop:
            options["stop"] = [self.stop] if isinstance(self.stop, str) else self.stop
        if self.max_tokens is not None:
            options["num_predict"] = self.max_tokens
        return options


class CompletionFormat:
    """A completion, whole or as server-sent events; both have the same shape."""

    media_type = SSE

    def __init__(self, request_id: str, model: str, echo: str, *, include_usage: bool) -> None:
        self._echo, self._include_usage = echo, include_usage
        self._offset = 0  # of the next token in the answer
        self._common = {
            "id": f"cmpl-{request_id}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
        }

    def first(self) -> bytes:
        return self._event(Chunk(self._echo)) if self._echo else b""

    def pieces(self, chunks: list[Chunk]) -> bytes:
        return b"".join(self._event(chunk) for chunk in chunks)

    def last(self, finish: Finish, phases: Phases) -> bytes:
        end = self._event(Chunk(), _reason(finish), timings=phases.as_timings())
        if self._include_usage:
            end += event(self._common | {"choices": [], "usage": usage(finish)})
        return end + DONE

    def error(self, error: GatewayError) -> bytes:
        return event(error.body())  # OpenAI's clients raise it

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        choice = self._choice(chunk, _reason(finish))
        choice["text"] = self._echo + choice["text"]
        return self._common | {
            "choices": [choice],
            "usage": usage(finish),
            "timings": phases.as_timings(),
        }

    def _event(self, chunk: Chunk, reason: str | None = None, **more: Any) -> bytes:
        no_usage = {"usage": None} if self._include_usage else {}
        return event(self._common | {"choices": [self._choice(chunk, reason)]} | no_usage | more)

    def _choice(self, chunk: Chunk, reason: str | None) -> dict[str, Any]:
        logprobs = self._logprobs(chunk.logprobs) if chunk.logprobs else None
        return {"text": chunk.text, "index": 0, "logprobs": logprobs, "finish_reason": reason}

    def _logprobs(self, entries: list[dict[str, Any]]) -> dict[str, Any]:
        """Return four lists with one item for each token."""
        offsets = []
        for entry in entries:
            offsets.append(self._offset)
            self._offset += len(entry["token"])
        return {
            "tokens": [entry["token"] for entry in entries],
            "token_logprobs": [entry["logprob"] for entry in entries],
            "top_logprobs": [
                {other["token"]: other["logprob"] for other in entry.get("top_logprobs", ())}
                for entry in entries
            ],
            "text_offset": offsets,
        }


def _reason(finish: Finish) -> Literal["stop", "length"]:
    return "length" if finish.reason == "length" else "stop"
