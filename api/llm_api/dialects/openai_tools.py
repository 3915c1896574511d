"""The tools, the choice among them and the formats of answers in OpenAI's chat completions."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import Field

from llm_api.dialects.decisions import ANY_VALUE, Documented, Unsupported
from llm_api.dialects.translate.tools import PLAIN, Choice, Plan, Tool, find, plan
from llm_api.errors import InvalidRequestError


class Function(Documented):
    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    parameters: dict[str, Any] | None = Field(None, description="A JSON schema; without one, there are none.")
    # Whether arguments are sure to follow the schema depends on tool_choice.
    NEUTRAL: ClassVar = {"strict": ANY_VALUE}


class FunctionTool(Documented):
    type: Literal["function"]
    function: Function


class Custom(Unsupported):
    """A tool whose input is text, or the choice of it."""

    INSTEAD: ClassVar = "describe it as a function"
    NEUTRAL: ClassVar = {"custom": ANY_VALUE}

    type: Literal["custom"]


AnyTool = Annotated[FunctionTool | Custom, Field(discriminator="type")]
Tools = Annotated[list[AnyTool], Field(max_length=1024, fail_fast=True)]


class FunctionName(Documented):
    name: str = Field(min_length=1, max_length=256)


class Named(Protocol):
    """Something that names a tool."""

    @property
    def name(self) -> str:
        """Return the name."""


class FunctionChoice(Documented):
    """Demands a call of one function."""

    type: Literal["function"]
    function: FunctionName


AnyFunctionChoice = Annotated[FunctionChoice | Custom, Field(discriminator="type")]


class AllowedTools(Documented):
    mode: Literal["auto", "required"]
    tools: Annotated[list[AnyFunctionChoice], Field(min_length=1, max_length=1024, fail_fast=True)]


class AllowedChoice(Documented):
    """Limits the choice to some of the tools."""

    type: Literal["allowed_tools"]
    allowed_tools: AllowedTools


ToolChoice = Choice | Annotated[FunctionChoice | AllowedChoice | Custom, Field(discriminator="type")]


class TextFormat(Documented):
    type: Literal["text"]

    @property
    def for_ollama(self) -> Any:
        """Ollama's `format`."""
        return None


class ObjectFormat(Documented):
    type: Literal["json_object"]

    @property
    def for_ollama(self) -> Any:
        """Ollama's `format`."""
        return "json"


class Schema(Documented):
    definition: dict[str, Any] | None = Field(None, alias="schema", description="Without one, any object.")
    NEUTRAL: ClassVar = {"name": ANY_VALUE, "description": ANY_VALUE, "strict": ANY_VALUE}


class SchemaFormat(Documented):
    type: Literal["json_schema"]
    json_schema: Schema

    @property
    def for_ollama(self) -> Any:
        """Ollama's `format`."""
        return self.json_schema.definition or "json"


ResponseFormat = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]


def plan_of(
    tools: Sequence[FunctionTool | Custom],
    choice: Choice | FunctionChoice | AllowedChoice | Custom | None,
    response_format: TextFormat | ObjectFormat | SchemaFormat | None,
    *,
    parallel: bool,
) -> Plan:
    """Return what Ollama is sent for these fields of a request.

    Raises:
        InvalidRequestError: The choice is impossible with these tools.
    """
    if not tools and choice is None and response_format is None:
        return PLAIN
    offered = [_tool(tool.function) for tool in tools if isinstance(tool, FunctionTool)]
    answer_format = response_format.for_ollama if response_format else None
    if isinstance(choice, AllowedChoice):
        names = [one.function.name for one in choice.allowed_tools.tools if isinstance(one, FunctionChoice)]
        return choose(offered, choice.allowed_tools.mode, answer_format, among=names, parallel=parallel)
    if isinstance(choice, FunctionChoice):
        return choose(offered, choice.function, answer_format, parallel=parallel)
    return choose(offered, choice if isinstance(choice, str) else "auto", answer_format, parallel=parallel)


def choose(
    offered: Sequence[Tool],
    wanted: Choice | Named,
    answer_format: Any,
    *,
    among: Sequence[str] | None = None,
    parallel: bool,
) -> Plan:
    """Return what Ollama is sent for a choice of tools, or of some `among` them.

    Raises:
        InvalidRequestError: The choice is impossible with these tools.
    """
    try:
        if among is not None:
            offered = [find(offered, name) for name in among]
        choice = wanted if isinstance(wanted, str) else find(offered, wanted.name)
        return plan(offered, choice, answer_format, parallel=parallel)
    except ValueError as error:
        raise InvalidRequestError(f"tool_choice: {error}", param="tool_choice") from None


def _tool(function: Function) -> Tool:
    return Tool(function.name, function.description or "", function.parameters or {})
