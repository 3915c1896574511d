"""POST /generate, the gateway's own API: a prompt in, JSON or NDJSON out."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from llm_api.dialects.dialect import encode
from llm_api.dialects.fields import (
    INTEGER,
    Penalty,
    Probability,
    Seed,
    Stops,
    Strict,
    Temperature,
    check_prompt,
    runtime_options,
)
from llm_api.errors import GatewayError, UnprocessableError
from llm_api.record import Phases
from llm_api.settings import Settings
from llm_api.upstream.chunk import Chunk, Finish
from llm_api.upstream.client import Job


class Options(Strict):
    """Ollama's options, without those that make it reload the model."""

    num_predict: Annotated[int, Field(ge=-1, json_schema_extra={"not": {"const": 0}}), INTEGER] | None = (
        Field(None, description="Most tokens to generate; -1: as many as the gateway allows.")
    )
    temperature: Temperature | None = None
    top_p: Probability | None = None
    top_k: Annotated[int, Field(ge=0, le=1000), INTEGER] | None = None
    min_p: Probability | None = None
    seed: Seed | None = None
    stop: Stops | None = None
    repeat_penalty: Annotated[float, Field(ge=0, le=2)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None


class GenerateRequest(Strict):
    """A prompt, and how to answer it."""

    prompt: str = Field(min_length=1, examples=["Why is the sky blue?"])
    model: str | None = Field(
        None, min_length=1, max_length=256, description="The gateway's default model if not given."
    )
    system: str = ""
    options: Options | None = None
    think: bool | Literal["low", "medium", "high"] | None = Field(
        None, description="Whether a model that can think does, and how much; if not given, it does."
    )
    stream: bool = Field(
        False, description="Answer as NDJSON: one line per piece of output, and a last one with `done`."
    )

    def job(self, model: str, settings: Settings) -> Job:
        check_prompt(len(self.prompt) + len(self.system), settings)
        given = self.options.model_dump(exclude_none=True) if self.options else {}
        tokens = given.get("num_predict", -1)
        if tokens > settings.max_output_tokens or tokens == 0:
            raise UnprocessableError(
                f"options.num_predict: must be between 1 and {settings.max_output_tokens}, or -1",
                param="options.num_predict",
            )
        payload: dict[str, Any] = {"prompt": self.prompt, "options": runtime_options(given, settings)}
        if self.system:
            payload["system"] = self.system
        if self.think is not None:
            payload["think"] = self.think
        needs = ("thinking",) if self.think else ()
        return Job("/api/generate", model, payload, self.stream, needs)

    def answer_format(self, request_id: str, model: str) -> "GenerateFormat":
        return GenerateFormat(model)


class UsageBody(BaseModel):
    """Tokens, as the runtime counted them."""

    prompt_tokens: int
    generated_tokens: int


class Timings(BaseModel):
    """Where the time went; the four phases add up to the total."""

    queue_seconds: float
    load_seconds: float
    prefill_seconds: float
    decode_seconds: float
    total_seconds: float
    time_to_first_token_seconds: float | None


class GenerateResponse(BaseModel):
    """A whole answer, or the last line of a stream, whose `response` is empty."""

    model: str
    response: str
    thinking: str | None = Field(None, description="What the model thought first; not there if nothing.")
    done: Literal[True]
    done_reason: str
    usage: UsageBody
    timings: Timings


class GenerateFormat:
    """An object, or NDJSON: a line per piece of output, then one with `done` or an error."""

    media_type = "application/x-ndjson"

    def __init__(self, model: str) -> None:
        self._model = model

    def first(self) -> bytes:
        return b""

    def pieces(self, chunks: list[Chunk]) -> bytes:
        return b"".join(encode(self._output(chunk) | {"done": False}) + b"\n" for chunk in chunks)

    def last(self, finish: Finish, phases: Phases) -> bytes:
        return encode(self.whole(Chunk(), finish, phases)) + b"\n"

    def error(self, error: GatewayError) -> bytes:
        return encode(error.body()) + b"\n"

    def whole(self, chunk: Chunk, finish: Finish, phases: Phases) -> dict[str, Any]:
        return self._output(chunk) | {
            "done": True,
            "done_reason": finish.reason,
            "usage": {
                "prompt_tokens": finish.usage.prompt_tokens,
                "generated_tokens": finish.usage.generated_tokens,
            },
            "timings": phases.as_timings(),
        }

    def _output(self, chunk: Chunk) -> dict[str, Any]:
        fields = {"model": self._model, "response": chunk.text}
        return fields | {"thinking": chunk.thinking} if chunk.thinking else fields
