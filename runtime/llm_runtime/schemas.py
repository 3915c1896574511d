"""The requests of Ollama's API. As in Ollama, unknown fields and options are ignored."""

import base64
import binascii
import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

DURATION = re.compile(r"^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+)$")
THINK_LEVELS = ("low", "medium", "high", "max")


def _check_duration(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number of seconds or a duration such as 5m")
    if isinstance(value, str) and not DURATION.match(value):
        raise ValueError(f'invalid duration "{value}"')
    return value


def _truncate(value: Any) -> Any:
    """Ollama truncates fractions."""
    return int(value) if isinstance(value, float) and math.isfinite(value) else value


def _drop_nulls(options: Any) -> Any:
    """Ollama treats null as "not given"."""
    if not isinstance(options, dict):
        return options
    return {name: value for name, value in options.items() if value is not None}


def _null_to_empty(value: Any) -> Any:
    return "" if value is None else value


def _check_think(value: Any) -> Any:
    if value in (None, True, False, *THINK_LEVELS):
        return value
    raise ValueError(f"must be true, false, or one of {', '.join(THINK_LEVELS)}")


def _check_format(value: Any) -> Any:
    if value in (None, ""):
        return None
    if value != "json" and not isinstance(value, dict):
        raise ValueError('must be "json" or a JSON schema')
    return value


def _check_image(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError("must be base64") from error
    return value


# Seconds as a number, or Go's notation such as "5m".
Duration = Annotated[int | float | str, BeforeValidator(_check_duration)]
Text = Annotated[str, BeforeValidator(_null_to_empty)]
Image = Annotated[str, AfterValidator(_check_image)]
Arguments = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
Format = Annotated[Any, BeforeValidator(_check_format)]
Think = Annotated[bool | str | None, BeforeValidator(_check_think)]
Integer = Annotated[int, BeforeValidator(_truncate), Field(ge=-(2**63), lt=2**63)]


class Options(BaseModel):
    """The options that have an effect; Ollama's others are accepted and ignored."""

    model_config = ConfigDict(frozen=True, strict=True)

    num_predict: Integer = -1
    temperature: float = 0.8
    top_k: Integer = 40
    top_p: float = 0.9
    min_p: float = 0.0
    typical_p: float = 1.0
    repeat_last_n: Integer = 64
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: Integer = -1
    stop: list[str] = []
    num_ctx: Integer = 0


class CalledFunction(BaseModel):
    """The function of a tool call, with its position among the calls of the message."""

    index: Integer = 0
    name: Text = ""
    arguments: Arguments = {}


class ToolCall(BaseModel):
    id: Text = ""
    function: CalledFunction


class Function(BaseModel):
    """A function that the model may call; its parameters are a JSON schema."""

    name: Text = ""
    description: Text = ""
    parameters: Arguments = {}


class Tool(BaseModel):
    type: Text = ""
    function: Function


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)

    role: Annotated[Text, AfterValidator(str.lower)] = ""
    content: Text = ""
    thinking: Text = ""
    images: tuple[Image, ...] | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    tool_name: Text = ""
    tool_call_id: Text = ""


class ModelRequest(BaseModel):
    """The fields that all requests to a model share."""

    model_config = ConfigDict(strict=True)

    model: Text = ""
    options: Annotated[Options, BeforeValidator(_drop_nulls)] | None = None
    keep_alive: Duration | None = None

    @property
    def unloads(self) -> bool:
        """Whether `keep_alive` is zero: the model leaves memory after this request."""
        return self.keep_alive is not None and not re.search("[1-9]", str(self.keep_alive))


class GenerationRequest(ModelRequest):
    """The fields that /api/generate and /api/chat share."""

    stream: bool | None = None
    truncate: bool | None = None
    think: Think = None
    format: Format = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None


class GenerateRequest(GenerationRequest):
    """POST /api/generate."""

    prompt: Text = ""
    system: Text = ""
    raw: bool | None = False
    suffix: Text = ""
    template: Text = ""
    context: list[int] | None = None
    images: tuple[Image, ...] | None = None

    @property
    def has_extras(self) -> bool:
        """Whether a template, system prompt or context is set."""
        return bool(self.template or self.system or self.context)


class ChatRequest(GenerationRequest):
    """POST /api/chat."""

    messages: tuple[Message, ...] | None = ()
    tools: tuple[Tool, ...] | None = None


class ShowRequest(BaseModel):
    """POST /api/show; `name` is the older spelling of `model`."""

    model: Text = ""
    name: Text = ""


class EmbedRequest(ModelRequest):
    """POST /api/embed; `dimensions` is the number of components to keep."""

    input: str | list[str] | None = None
    truncate: bool | None = None
    dimensions: Integer | None = None


class EmbeddingsRequest(ModelRequest):
    """POST /api/embeddings, the older form for one text."""

    prompt: Text = ""
