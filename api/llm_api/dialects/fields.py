"""Field types and limits that the dialects share."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from llm_api.errors import InvalidRequestError, TooLargeError, UnprocessableError
from llm_api.settings import Settings


def _as_integer(value: Any) -> Any:
    """Accept 3.0 for 3, as JSON Schema does and some clients write it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


INTEGER = BeforeValidator(_as_integer)
Seed = Annotated[int, Field(ge=-(2**31), lt=2**31), INTEGER]
Tokens = Annotated[int, Field(ge=1), INTEGER]
Temperature = Annotated[float, Field(ge=0, le=2)]
Probability = Annotated[float, Field(ge=0, le=1)]
Penalty = Annotated[float, Field(ge=-2, le=2)]
Stop = Annotated[str, Field(min_length=1, max_length=256)]
Stops = Annotated[list[Stop], Field(max_length=8, fail_fast=True)]


class Strict(BaseModel):
    """No coercion between types, no unknown fields, no infinities."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)

    # The error that a request of this dialect gets for an invalid value.
    invalid_value: ClassVar[type[InvalidRequestError]] = UnprocessableError


def check_prompt(length: int, settings: Settings) -> None:
    """Raise TooLargeError if a prompt of `length` characters is over the limit."""
    if length > settings.max_prompt_chars:
        raise TooLargeError(
            f"the prompt has {length} characters; the limit is {settings.max_prompt_chars} characters"
        )


def runtime_options(given: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return Ollama's options with the gateway's own: a limit on the tokens, and the number of threads."""
    options = dict(given)
    if options.get("num_predict", -1) < 0:
        options["num_predict"] = settings.max_output_tokens
    if settings.num_thread:
        options["num_thread"] = settings.num_thread
    return options
