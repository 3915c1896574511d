"""The requests of Ollama's API. Unknown fields and options are ignored, as Ollama does."""

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

DURATION = re.compile(r"^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h))+)$")


def _duration(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("must be a number of seconds or a duration such as 5m")
    if isinstance(value, str) and not DURATION.match(value):
        raise ValueError(f'invalid duration "{value}"')
    return value


def _integer(value: Any) -> Any:
    """Ollama cuts fractions off."""
    return int(value) if isinstance(value, float) and math.isfinite(value) else value


def _given(options: Any) -> Any:
    """Ollama takes null for "not given"."""
    if not isinstance(options, dict):
        return options
    return {name: value for name, value in options.items() if value is not None}


def _text(value: Any) -> Any:
    """Ollama takes null for "not given"."""
    return "" if value is None else value


# A number of seconds or Go's notation, "5m".
Duration = Annotated[int | float | str, BeforeValidator(_duration)]
Text = Annotated[str, BeforeValidator(_text)]
Integer = Annotated[int, BeforeValidator(_integer), Field(ge=-(2**63), lt=2**63)]


class Options(BaseModel):
    """The options that an engine heeds; the others of Ollama's are accepted without effect."""

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
    """One turn of a conversation."""

    model_config = ConfigDict(frozen=True)

    role: Annotated[Text, AfterValidator(str.lower)] = ""
    content: Text = ""
    images: list[str] | None = None


class ModelRequest(BaseModel):
    """What the requests for tokens share."""

    model_config = ConfigDict(strict=True)

    model: Text = ""
    stream: bool | None = None
    options: Annotated[Options, BeforeValidator(_given)] | None = None
    keep_alive: Duration | None = None
    think: bool | str | None = None
    # Whatever Ollama takes that no engine here can do; `unsupported` refuses it.
    format: Any = None
    logprobs: bool | None = None

    @property
    def unloads(self) -> bool:
        """Whether the model is to leave memory when this request is done."""
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
    def dressed(self) -> bool:
        """Whether more than the prompt is to reach the model."""
        return bool(self.template or self.system or self.context)


class ChatRequest(ModelRequest):
    """POST /api/chat."""

    messages: tuple[Message, ...] | None = ()
    tools: list[Any] | None = None


class ShowRequest(BaseModel):
    """POST /api/show; `name` is the older spelling."""

    model: Text = ""
    name: Text = ""


def unsupported(request: ModelRequest) -> str | None:
    """The first thing asked for that neither engine can do, in words for the client."""
    if isinstance(request, GenerateRequest) and request.raw and request.dressed:
        return "raw mode does not support template, system, or context"
    messages = (request.messages or ()) if isinstance(request, ChatRequest) else ()
    wishes = {
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
        (f'"{request.model}" does not support {wish}' for wish, asked in wishes.items() if asked), None
    )
