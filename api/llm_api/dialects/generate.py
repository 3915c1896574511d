"""POST /generate: what comes in and goes out."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from llm_api.errors import TooLargeError, UnprocessableError
from llm_api.settings import Settings
from llm_api.upstream.client import Job


def _whole(value: Any) -> Any:
    """JSON Schema's integers include 3.0, which some clients write."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WHOLE = BeforeValidator(_whole)
Seed = Annotated[int, Field(ge=-(2**31), lt=2**31), WHOLE]
Probability = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Stop = Annotated[str, Field(min_length=1, max_length=256)]


class Strict(BaseModel):
    """JSON as it is: no string for a number, no unknown field, no infinity."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


class Options(Strict):
    """Options by Ollama's names; those that make it load the model anew are not among them."""

    num_predict: Annotated[int, Field(ge=-1, json_schema_extra={"not": {"const": 0}}), WHOLE] | None = Field(
        None, description="Tokens at most; -1: as many as may be."
    )
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: Probability | None = None
    top_k: Annotated[int, Field(ge=0, le=1000), WHOLE] | None = None
    min_p: Probability | None = None
    seed: Seed | None = None
    stop: list[Stop] | None = Field(None, max_length=8, fail_fast=True)
    repeat_penalty: float | None = Field(None, ge=0, le=2)
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None


class GenerateRequest(Strict):
    """A prompt, and how to answer it."""

    prompt: str = Field(min_length=1, examples=["Why is the sky blue?"])
    model: str | None = Field(
        None, min_length=1, max_length=256, description="The gateway's own if not given."
    )
    system: str = ""
    options: Options | None = None
    stream: bool = Field(
        False, description="NDJSON: a line for each piece of text, the last one with `done`."
    )

    def job(self, model: str, settings: Settings) -> Job:
        """Return what the runtime is asked. Raises InvalidRequestError for what is over a limit."""
        check_prompt(len(self.prompt) + len(self.system), settings)
        given = self.options.model_dump(exclude_none=True) if self.options else {}
        wanted = given.get("num_predict", -1)
        if wanted > settings.max_output_tokens or wanted == 0:
            raise UnprocessableError(
                f"options.num_predict: must be between 1 and {settings.max_output_tokens}, or -1",
                param="options.num_predict",
            )
        body = {"prompt": self.prompt, "options": runtime_options(given, settings)}
        if self.system:
            body["system"] = self.system
        return Job("/api/generate", model, body, self.stream)


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
    """A whole answer, or the last line of a streamed one (its `response` is empty)."""

    model: str
    response: str
    done: Literal[True]
    done_reason: str
    usage: UsageBody
    timings: Timings


class ErrorBody(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorResponse(BaseModel):
    """The one shape of all errors, which is OpenAI's."""

    error: ErrorBody


def check_prompt(length: int, settings: Settings) -> None:
    """Raise TooLargeError for a prompt that is over the limit, in characters."""
    if length > settings.max_prompt_chars:
        raise TooLargeError(f"the prompt has {length} characters, more than {settings.max_prompt_chars}")


def runtime_options(given: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return Ollama's options: every generation has a bound, and the threads that are set."""
    options = dict(given)
    if options.get("num_predict", -1) < 0:
        options["num_predict"] = settings.max_output_tokens
    if settings.num_thread:
        options["num_thread"] = settings.num_thread
    return options
