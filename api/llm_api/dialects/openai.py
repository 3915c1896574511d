"""What OpenAI's APIs have in common here: sampling, streams, usage, log probabilities."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from llm_api.dialects.decisions import ANY_VALUE, Documented
from llm_api.dialects.dialect import encode
from llm_api.dialects.fields import INTEGER, Penalty, Probability, Temperature, runtime_options
from llm_api.errors import InvalidRequestError
from llm_api.settings import Settings
from llm_api.upstream.chunk import Finish

SSE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\n\n"
INT32 = range(-(2**31), 2**31)
MAX_MODEL_NAME = 640  # Ollama's longest: https://github.com/ollama/ollama/blob/main/types/model/name.go

Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
# As Ollama's own translation has it (openai/openai.go, thinkFromReasoningEffort).
THINK: dict[str, bool | str] = {
    "none": False,
    "minimal": "low",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "max",
    "max": "max",
}


def _fold(seed: int) -> int:
    """Fold a seed of 64 bits into the 32 that llama.cpp takes; equal seeds stay equal."""
    return seed if seed in INT32 else seed % 2**31


def _not_zero(tokens: int) -> int:
    if tokens == 0:
        raise ValueError("must be at least 1, or -1 for as many as the gateway allows")
    return tokens


Seed = Annotated[int, Field(ge=-(2**63), lt=2**63), INTEGER, AfterValidator(_fold)]
Tokens = Annotated[
    int, Field(ge=-1, json_schema_extra={"not": {"const": 0}}), INTEGER, AfterValidator(_not_zero)
]
Stop = Annotated[str, Field(max_length=256)]
Stops = Annotated[list[Stop], Field(max_length=8, fail_fast=True)]


class StreamOptions(Documented):
    """Options of a stream; without effect on a whole answer."""

    include_usage: bool | None = Field(None, description="Whether a last event has the usage.")
    NEUTRAL: ClassVar = {"include_obfuscation": (False,)}


class Sampling(Documented):
    """The fields of every generation, and Ollama's own at the same place."""

    model: str = Field(min_length=1, max_length=MAX_MODEL_NAME, description="A name or an alias of a model.")
    stream: bool | None = None
    temperature: Temperature | None = None
    top_p: Probability | None = None
    seed: Seed | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None

    top_k: Annotated[int, Field(ge=0, le=1000), INTEGER] | None = Field(None, description="Ollama's.")
    min_p: Probability | None = Field(None, description="Ollama's.")
    repeat_penalty: Annotated[float, Field(ge=0, le=2)] | None = Field(None, description="Ollama's.")
    num_ctx: Annotated[int, Field(ge=1, le=2**21), INTEGER] | None = Field(
        None, description="Ollama's: the length of the context. A change makes it load the model again."
    )
    keep_alive: float | Annotated[str, Field(max_length=64)] | None = Field(
        None, description="Ollama's: how long the model stays loaded."
    )

    OPTIONS: ClassVar = frozenset(
        {"temperature", "top_p", "seed", "presence_penalty", "frequency_penalty"}
        | {"top_k", "min_p", "repeat_penalty", "num_ctx"}
    )

    def sampling(self, settings: Settings, *limits: str) -> dict[str, Any]:
        """Return Ollama's options and `keep_alive`; `limits` are the fields that bound the tokens.

        Raises:
            InvalidRequestError: A value is over a limit of the settings.
        """
        given = self.model_fields_set & self.OPTIONS
        options = {name: value for name in given if (value := getattr(self, name)) is not None}
        for name in limits:
            limit: int | None = getattr(self, name)
            if limit is not None:
                _check_most(name, limit, settings.max_output_tokens)
                options["num_predict"] = limit
                break
        payload: dict[str, Any] = {"options": runtime_options(options, settings)}
        if self.keep_alive is not None:
            payload["keep_alive"] = self.keep_alive
        return payload


class Choices(Sampling):
    """The fields that chats and completions share."""

    stream_options: StreamOptions | None = None
    n: Annotated[int, Field(ge=1), INTEGER] | None = Field(
        None, description="How many answers; each is a generation of its own."
    )
    max_tokens: Tokens | None = Field(None, description="With -1, as many as the gateway allows.")
    seed: Seed | None = Field(None, description="Each of several answers gets the next seed.")
    stop: Stop | Stops | None = Field(None, description="At most 8; empty ones are left out.")

    NEUTRAL: ClassVar[dict[str, Any]] = {"logit_bias": ({},), "user": ANY_VALUE}
    REFUSED: ClassVar[dict[str, str]] = {"logit_bias": "the runtime cannot weigh single tokens"}

    def sampling(self, settings: Settings, *limits: str) -> dict[str, Any]:
        payload = super().sampling(settings, *limits)
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        if stops := [stop for stop in stops if stop]:
            payload["options"]["stop"] = stops
        _check_most("n", self.n or 1, settings.max_choices)
        return payload

    @property
    def includes_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


def _check_most(name: str, value: int, most: int) -> None:
    if value > most:
        raise InvalidRequestError(f"{name}: must be at most {most}", param=name)


def event(content: dict[str, Any]) -> bytes:
    """Return a server-sent event."""
    return b"data: " + encode(content) + b"\n\n"


def usage(finish: Finish) -> dict[str, int]:
    prompt, generated = finish.usage.prompt_tokens, finish.usage.generated_tokens
    return {"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated}


def logprobs(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return log probabilities as OpenAI has those of an answer."""
    return [
        _token(entry) | {"top_logprobs": [_token(other) for other in entry.get("top_logprobs", ())]}
        for entry in entries
    ]


def chat_logprobs(entries: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return log probabilities as chat completions have them."""
    return {"content": logprobs(entries), "refusal": None}


def _token(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a token's entry. OpenAI's clients expect the bytes, which some versions of Ollama leave out."""
    found = entry.get("bytes")
    given = list(entry["token"].encode(errors="replace")) if found is None else found
    return {"token": entry["token"], "logprob": entry["logprob"], "bytes": given}
