"""The tools, the choice among them and the formats of answers in OpenAI's responses."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from llm_api.dialects.decisions import ANY_VALUE, Documented, Unsupported
from llm_api.dialects.openai_tools import ObjectFormat, TextFormat, choose
from llm_api.dialects.translate.tools import PLAIN, Choice, Plan, Tool

AS_FUNCTION = "describe it as a function, and run it yourself"


class FunctionTool(Documented):
    """A function that the client runs."""

    type: Literal["function"]
    name: str = Field(min_length=1, max_length=256)
    description: str | None = None
    parameters: dict[str, Any] | None = Field(None, description="A JSON schema; without one, there are none.")
    output_schema: dict[str, Any] | None = Field(None, description="Added to the description.")
    NEUTRAL: ClassVar = {
        # Whether arguments are sure to follow the schema depends on tool_choice.
        "strict": ANY_VALUE,
        "allowed_callers": (["direct"],),
        "async": (False,),
        "defer_loading": (False,),
    }
    REFUSED: ClassVar = {
        "allowed_callers": "only the model calls functions here",
        "async": "answer a call in the next request",
        "defer_loading": "the model is given all functions at once",
    }

    def translate(self) -> Tool:
        output = f"\nOutput: {json.dumps(self.output_schema)}" if self.output_schema else ""
        return Tool(self.name, (self.description or "") + output, self.parameters or {})

    def echo(self) -> dict[str, Any]:
        """Return it as answers repeat it."""
        strict = (self.__pydantic_extra__ or {}).get("strict")
        shown = self.model_dump(include={"type", "name", "description", "parameters"})
        return shown | {"strict": strict if isinstance(strict, bool) else None}


class HostedTool(Unsupported):
    """A tool that OpenAI runs."""

    INSTEAD: ClassVar = f"the gateway runs no tools: {AS_FUNCTION}"

    type: Literal[
        "web_search",
        "web_search_2025_08_26",
        "web_search_preview",
        "web_search_preview_2025_03_11",
        "file_search",
        "code_interpreter",
        "image_generation",
        "mcp",
        "programmatic_tool_calling",
        "tool_search",
    ]


class ClientTool(Unsupported):
    """A tool that the client runs, but that takes something other than a JSON object."""

    INSTEAD: ClassVar = AS_FUNCTION

    type: Literal[
        "custom", "computer", "computer_use", "computer_use_preview", "local_shell", "shell", "apply_patch"
    ]


class Namespace(Unsupported):
    INSTEAD: ClassVar = "list its functions as tools of their own"

    type: Literal["namespace"]


AnyTool = Annotated[FunctionTool | HostedTool | ClientTool | Namespace, Field(discriminator="type")]
Tools = Annotated[list[AnyTool], Field(max_length=1024, fail_fast=True)]


class FunctionChoice(Documented):
    """Demands a call of one function."""

    type: Literal["function"]
    name: str = Field(min_length=1, max_length=256)


AnyFunctionChoice = Annotated[FunctionChoice | HostedTool | ClientTool, Field(discriminator="type")]


class AllowedChoice(Documented):
    """Limits the choice to some of the functions."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[list[AnyFunctionChoice], Field(min_length=1, max_length=1024, fail_fast=True)]


ToolChoice = (
    Choice | Annotated[FunctionChoice | AllowedChoice | HostedTool | ClientTool, Field(discriminator="type")]
)


class SchemaFormat(Documented):
    type: Literal["json_schema"]
    definition: dict[str, Any] = Field(alias="schema")
    NEUTRAL: ClassVar = {"name": ANY_VALUE, "description": ANY_VALUE, "strict": ANY_VALUE}

    @property
    def for_ollama(self) -> Any:
        """Ollama's `format`."""
        return self.definition or "json"


class TextOptions(Documented):
    format: Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")] | None = None
    # OpenAI's clients send it to certain models, unasked.
    IGNORED: ClassVar = {"verbosity": "no model here knows it: ask for it in the instructions"}


def plan_of(
    tools: Sequence[AnyTool], choice: ToolChoice | None, text: TextOptions | None, *, parallel: bool
) -> Plan:
    """Return what Ollama is sent for these fields of a request.

    Raises:
        InvalidRequestError: The choice is impossible with these tools.
    """
    answer_format = text.format.for_ollama if text and text.format else None
    if not tools and choice is None and answer_format is None:
        return PLAIN
    offered = [tool.translate() for tool in tools if isinstance(tool, FunctionTool)]
    if isinstance(choice, AllowedChoice):
        names = [one.name for one in choice.tools if isinstance(one, FunctionChoice)]
        return choose(offered, choice.mode, answer_format, among=names, parallel=parallel)
    wanted = choice if isinstance(choice, str | FunctionChoice) else "auto"
    return choose(offered, wanted, answer_format, parallel=parallel)
