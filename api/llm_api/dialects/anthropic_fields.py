"""Objects in requests of Anthropic's Messages API, beside the messages."""

import json
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag

from llm_api.dialects.decisions import ANY_VALUE, Documented, Unsupported
from llm_api.dialects.fields import INTEGER
from llm_api.dialects.translate import tools as planning


class Tool(Documented):
    """A tool that the client runs."""

    NEUTRAL: ClassVar = {
        "cache_control": ANY_VALUE,
        "eager_input_streaming": ANY_VALUE,
        "strict": ANY_VALUE,
        "allowed_callers": (["direct"],),
        "defer_loading": (False,),
    }
    REFUSED: ClassVar = {
        "allowed_callers": "only the model calls tools here",
        "defer_loading": "the model is given all tools at once",
    }

    type: Literal["custom"] | None = None
    name: str = Field(min_length=1, max_length=128)
    description: str | None = None
    input_schema: dict[str, Any]
    input_examples: list[dict[str, Any]] | None = Field(None, description="Added to the description.")

    def translate(self) -> planning.Tool:
        examples = "".join(f"\nExample: {json.dumps(example)}" for example in self.input_examples or ())
        return planning.Tool(self.name, (self.description or "") + examples, self.input_schema)


class AnthropicTool(Unsupported):
    INSTEAD: ClassVar = "give the tool an input_schema and the type custom, and run it yourself"


def _kind(tool: Any) -> str:
    return "custom" if not isinstance(tool, dict) or tool.get("type") in (None, "custom") else "anthropic"


AnyTool = Annotated[
    Annotated[Tool, Tag("custom")] | Annotated[AnthropicTool, Tag("anthropic")], Discriminator(_kind)
]


class ToolChoice(Documented):
    type: Literal["auto", "any", "none"]
    disable_parallel_tool_use: bool | None = None


class NamedToolChoice(Documented):
    type: Literal["tool"]
    name: str
    disable_parallel_tool_use: bool | None = None


AnyToolChoice = Annotated[ToolChoice | NamedToolChoice, Field(discriminator="type")]


class Thinking(Documented):
    """Whether the model thinks before it answers.

    Ollama has no budget: a model that thinks does so for as long as it likes, within max_tokens.
    """

    type: Literal["enabled", "adaptive", "between_tools", "disabled"]
    budget_tokens: Annotated[int, Field(ge=1024), INTEGER] | None = None
    display: Literal["summarized", "omitted"] | None = Field(
        None, description="With `omitted`, blocks of thinking are empty."
    )


class JsonFormat(Documented):
    type: Literal["json_schema"]
    json_schema: dict[str, Any] = Field(alias="schema")


class OutputConfig(Documented):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = Field(
        None, description="How much to think, if `thinking` is enabled; xhigh and max are high."
    )
    format: JsonFormat | None = None
