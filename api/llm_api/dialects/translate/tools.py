"""Tools for a model, and how a client's choice among them is enforced.

Ollama lets the model choose. A choice is therefore enforced by `format`, which constrains what the model can
write: the tools are then described in the system message, because Ollama does not take them together with a
format, and the answer is read back as a call (output.py).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from llm_api.dialects.translate.schema import detached, inlined

Choice = Literal["auto", "none", "required"]


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `parameters` is a JSON schema of its arguments."""

    name: str
    description: str
    parameters: dict[str, Any]

    def for_ollama(self) -> dict[str, Any]:
        function = {"name": self.name, "description": self.description, "parameters": self.schema}
        return {"type": "function", "function": function}

    @property
    def schema(self) -> dict[str, Any]:
        """The schema of an object, even if the client's says nothing."""
        return {"type": "object", "properties": {}} | inlined(self.parameters)


@dataclass(frozen=True, slots=True)
class Plan:
    """What Ollama is sent for the tools and the format of a request.

    Attributes:
        tools: Offered to the model, which chooses.
        format: Ollama's `format`: a JSON schema, or "json".
        instructions: For the system message: what `format` enforces, in words.
        only: The tool whose arguments are the whole answer.
        wrapped: Whether the answer is an object: either a call, {"name", "arguments"}, or {"answer"}.
        parallel: Whether the answer may have more than one call.
    """

    tools: tuple[Tool, ...] = ()
    format: Any = None
    instructions: str = ""
    only: Tool | None = None
    wrapped: bool = False
    parallel: bool = True

    @property
    def is_plain(self) -> bool:
        """Whether the model's text is the answer, as it is."""
        return not (self.only or self.wrapped)

    @property
    def needs(self) -> tuple[str, ...]:
        """The capabilities that the model needs for it."""
        return ("tools",) if self.tools else ()

    @property
    def length(self) -> int:
        """How many characters it adds to the prompt."""
        return len(self.instructions) + sum(len(json.dumps(tool.for_ollama())) for tool in self.tools)

    def apply(self, payload: dict[str, Any]) -> None:
        """Add it to the body of a request to /api/chat."""
        if self.tools:
            payload["tools"] = [tool.for_ollama() for tool in self.tools]
        if self.format is not None:
            payload["format"] = self.format
        if self.instructions:
            first, *others = payload["messages"]
            if first["role"] == "system":
                system = first | {"content": f"{first['content']}\n\n{self.instructions}"}
            else:
                system, others = {"role": "system", "content": self.instructions}, payload["messages"]
            payload["messages"] = [system, *others]


PLAIN = Plan()


def plan(
    tools: Sequence[Tool], choice: Choice | Tool, answer_format: Any = None, *, parallel: bool = True
) -> Plan:
    """Return what to send for these tools.

    Args:
        tools: What the client offers.
        choice: Whether one is to be called, or the one that is.
        answer_format: Ollama's `format` for an answer in words.
        parallel: Whether several calls at once are wanted.

    Raises:
        ValueError: A call is required, but there are no tools.
    """
    if isinstance(choice, Tool):
        return _call_of(choice)
    if choice == "required" and not tools:
        raise ValueError("there are no tools to call")
    if choice == "none" or not tools:
        return Plan(format=answer_format)
    if choice == "required":
        return _call_of(tools[0]) if len(tools) == 1 else _call_or_answer(tools, None)
    if answer_format is None:
        return Plan(tuple(tools), parallel=parallel)
    return _call_or_answer(tools, answer_format)


def find(tools: Sequence[Tool], name: str) -> Tool:
    """Return the tool of this name.

    Raises:
        ValueError: There is none.
    """
    for tool in tools:
        if tool.name == name:
            return tool
    raise ValueError(f"there is no tool {name!r}")


def arguments(text: str) -> dict[str, Any]:
    """Return a call's arguments. Text that is no object becomes one: the model may have been cut off."""
    try:
        found = json.loads(text or "{}", parse_constant=_refuse)
    except (ValueError, RecursionError):
        found = {"arguments": text}
    return found if isinstance(found, dict) else {} if found is None else {"arguments": found}


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _call_of(tool: Tool) -> Plan:
    words = "Call this function. Answer with nothing but the JSON object of its arguments.\n"
    return Plan(format=tool.schema, instructions=words + json.dumps(tool.for_ollama()), only=tool)


def _call_or_answer(tools: Sequence[Tool], answer_format: Any) -> Plan:
    options: list[Any] = []
    definitions: dict[str, Any] = {}
    for number, tool in enumerate(tools):
        arguments, found = detached(tool.schema, f"{number}.")
        options.append(_object(name={"type": "string", "enum": [tool.name]}, arguments=arguments))
        definitions |= found
    words = 'To call one of these functions, answer {"name": its name, "arguments": its arguments}.'
    if answer_format is not None:
        wanted = answer_format if isinstance(answer_format, dict) else {"type": "object"}
        answer, found = detached(wanted, "answer.")
        options.append(_object(answer=answer))
        definitions |= found
        words += ' To answer without a call, answer {"answer": the JSON that is asked for}.'
    described = "\n".join(json.dumps(tool.for_ollama()) for tool in tools)
    instructions = f"{words} Answer with nothing but this one JSON object.\n{described}"
    schema = {"anyOf": options} | ({"$defs": definitions} if definitions else {})
    return Plan(format=schema, instructions=instructions, wrapped=True)


def _object(**properties: Any) -> dict[str, Any]:
    """Return the schema of an object that has exactly these properties, in this order."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
