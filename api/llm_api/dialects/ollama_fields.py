"""The objects in the requests of Ollama's API: https://github.com/ollama/ollama/blob/main/api/types.go."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, Field

from llm_api.dialects.decisions import ANY_VALUE, Documented
from llm_api.dialects.fields import INTEGER, Stop, runtime_options
from llm_api.errors import InvalidRequestError
from llm_api.settings import Settings

Number = Annotated[float, Field(ge=-1e6, le=1e6)]
Integer = Annotated[int, Field(ge=-(2**31), lt=2**31), INTEGER]
Role = Annotated[
    Literal["system", "user", "assistant", "tool"],
    BeforeValidator(lambda role: role.lower() if isinstance(role, str) else role),
]
Image = Annotated[str, Field(min_length=1)]  # base64
Images = Annotated[list[Image], Field(max_length=64)]
Think = bool | Literal["low", "medium", "high", "max"]
Format = Literal["", "json"] | dict[str, Any]
KeepAlive = int | float | Annotated[str, Field(max_length=64)]


class OllamaOptions(Documented):
    """Ollama's options. The bounds are wide, as Ollama has none: it takes the nearest sensible value."""

    # Ollama itself has given these up; clients still send them.
    NEUTRAL: ClassVar = dict.fromkeys(
        (
            "numa",
            "low_vram",
            "f16_kv",
            "logits_all",
            "vocab_only",
            "use_mlock",
            "embedding_only",
            "tfs_z",
            "mirostat",
            "mirostat_tau",
            "mirostat_eta",
            "penalize_newline",
        ),
        ANY_VALUE,
    )
    IGNORED: ClassVar = dict.fromkeys(
        ("num_batch", "num_gpu", "main_gpu", "use_mmap", "num_thread", "draft_num_predict"),
        "it depends on the machine: set it for the runtime",
    )

    num_ctx: Annotated[int, Field(ge=0, le=2**21), INTEGER] | None = Field(
        None, description="Length of the context. A change makes Ollama load the model again."
    )
    num_keep: Integer | None = None
    seed: Integer | None = None
    num_predict: Integer | None = Field(
        None, description="Most tokens to generate; 0 or less: as many as the gateway allows."
    )
    top_k: Integer | None = None
    top_p: Number | None = None
    min_p: Number | None = None
    typical_p: Number | None = None
    repeat_last_n: Integer | None = None
    temperature: Annotated[Number, Field(ge=0)] | None = None
    repeat_penalty: Number | None = None
    presence_penalty: Number | None = None
    frequency_penalty: Number | None = None
    stop: Annotated[list[Stop], Field(max_length=64)] | None = None


class OllamaFunction(Documented):
    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    parameters: dict[str, Any] | None = Field(None, description="A JSON schema.")


class OllamaTool(Documented):
    """A function that the model may call."""

    type: Literal["function"] | None = None
    function: OllamaFunction

    NEUTRAL: ClassVar = {"items": ANY_VALUE}


class OllamaCalledFunction(Documented):
    index: Integer | None = None
    name: str = Field(min_length=1, max_length=256)
    arguments: dict[str, Any] | None = None


class OllamaToolCall(Documented):
    """A call that the model has asked for."""

    NEUTRAL: ClassVar = {"type": ("function",)}

    id: str | None = None
    function: OllamaCalledFunction


class OllamaMessage(Documented):
    role: Role
    content: str | None = None
    thinking: str | None = None
    images: Images | None = None
    tool_calls: Annotated[list[OllamaToolCall], Field(max_length=256)] | None = None
    tool_name: str | None = None
    tool_call_id: str | None = None

    @property
    def length(self) -> int:
        """Return the number of characters that count as prompt."""
        calls = sum(len(str(call.function.arguments)) for call in self.tool_calls or ())
        return len(self.content or "") + len(self.thinking or "") + calls


def declared(value: Any) -> Any:
    """Return an object as JSON without undocumented fields and without nulls."""
    if isinstance(value, BaseModel):
        return {name: declared(inner) for name, inner in value.__dict__.items() if inner is not None}
    if isinstance(value, list):
        return [declared(item) for item in value]
    return value


def all_options(options: OllamaOptions | None, settings: Settings) -> dict[str, Any]:
    """Return the options for the runtime.

    Raises:
        InvalidRequestError: The request asks for more tokens than the gateway allows.
    """
    given = declared(options) if options else {}
    if given.get("num_predict", 0) > settings.max_output_tokens:
        raise InvalidRequestError(
            f"options.num_predict: must be at most {settings.max_output_tokens}", param="options.num_predict"
        )
    return runtime_options(given | {"num_predict": given.get("num_predict") or -1}, settings)
