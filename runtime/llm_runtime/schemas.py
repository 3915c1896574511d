"""The requests of Ollama's API. As in Ollama, unknown fields and options are ignored."""

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

DURATION = re.compile(r"^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+)$")


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


# Seconds as a number, or Go's notation such as "5m".
Duration = Annotated[int | float | str, BeforeValidator(_check_duration)]
Text = Annotated[str, BeforeValidator(_null_to_empty)]
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


class Message(BaseModel):
    model_config = ConfigDict(frozen=True)

    role: Annotated[Text, AfterValidator(str.lower)] = ""
    content: Text = ""
    images: list[str] | None = None


class ModelRequest(BaseModel):
    """The fields that /api/generate and /api/chat share."""

    model_config = ConfigDict(strict=True)

    model: Text = ""
    stream: bool | None = None
    options: Annotated[Options, BeforeValidator(_drop_nulls)] | None = None
    keep_alive: Duration | None = None
    think: bool | str | None = None
    # Fields of Ollama's that no engine here supports; `unsupported` rejects them.
    format: Any = None
    logprobs: bool | None = None

    @property
    def unloads(self) -> bool:
        """Whether `keep_alive` is zero: the model leaves memory after this request."""
        return self.keep_alive is not None and not re.search("[1-9]", str(self.keep_alive))


class GenerateRequest(ModelRequest):
    """POST /api/generate."""

    prompt: Text = ""
    system: Text = ""
    raw: bool | None = False
    suffix: Text = ""
    template: Text = ""
    context: list[int] | None = None
    images: list[str] | None = None

    @property
    def has_extras(self) -> bool:
        """Whether a template, system prompt or context is set."""
        return bool(self.template or self.system or self.context)


class ChatRequest(ModelRequest):
    """POST /api/chat."""

    messages: tuple[Message, ...] | None = ()
    tools: list[Any] | None = None


class ShowRequest(BaseModel):
    """POST /api/show; `name` is the older spelling of `model`."""

    model: Text = ""
    name: Text = ""


def unsupported(request: ModelRequest) -> str | None:
    """Return the error message for the first field that no engine here supports, or None."""
    if isinstance(request, GenerateRequest) and request.raw and request.has_extras:
        return "raw mode does not support template, system, or context"
    messages = (request.messages or ()) if isinstance(request, ChatRequest) else ()
    features = {
        "images": getattr(request, "images", None) or any(message.images for message in messages),
        "tools": getattr(request, "tools", None),
        "insert": getattr(request, "suffix", None),
        "a structured format": request.format not in (None, ""),
        "a template in the request": getattr(request, "template", None),
        "the context field": getattr(request, "context", None),
        "logprobs": request.logprobs,
        "thinking": request.think,
    }
    return next(
        (f'"{request.model}" does not support {feature}' for feature, used in features.items() if used), None
    )
