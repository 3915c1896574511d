"""The input of OpenAI's responses, and its translation to Ollama's messages."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from llm_api.dialects.decisions import ANY_VALUE, Documented, Unsupported
from llm_api.dialects.openai_messages import MARK, DataURL, RefusalPart
from llm_api.dialects.translate.tools import arguments

ITEM: dict[str, Any] = {"id": ANY_VALUE, "status": ANY_VALUE}
CALLER: dict[str, Any] = {"caller": ({"type": "direct"},)}
ONLY_DIRECT = {"caller": "only the model calls functions here"}


class TextPart(Documented):
    type: Literal["input_text", "output_text"]
    text: str
    # Notes about a text, which stay behind when it goes to the model.
    NEUTRAL: ClassVar = MARK | {"annotations": ANY_VALUE, "logprobs": ANY_VALUE}


class ImagePart(Documented):
    """An image, whose address becomes its base64."""

    type: Literal["input_image"]
    image_url: DataURL
    NEUTRAL: ClassVar = MARK | {"detail": ANY_VALUE}
    REFUSED: ClassVar = {"file_id": "there are no files here: send the image itself in `image_url`"}


class OtherPart(Unsupported):
    INSTEAD: ClassVar = "send text and images"

    type: Literal["input_file", "input_audio"]


Part = Annotated[TextPart | RefusalPart | ImagePart | OtherPart, Field(discriminator="type")]
Content = Annotated[list[Part], Field(max_length=1024, fail_fast=True)] | str


class Message(Documented):
    """What somebody said; `type` may be missing."""

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Content
    NEUTRAL: ClassVar = ITEM | {"phase": ANY_VALUE}


class FunctionCall(Documented):
    """A call in an earlier answer."""

    type: Literal["function_call"]
    call_id: str = Field(max_length=256)
    name: str = Field(max_length=256)
    arguments: str = Field(description="The JSON of an object.")
    NEUTRAL: ClassVar = ITEM | CALLER | {"async": (False,)}
    REFUSED: ClassVar = ONLY_DIRECT | {
        "async": "answer a call in the next request",
        "namespace": "functions have no namespaces here",
    }


class FunctionCallOutput(Documented):
    type: Literal["function_call_output"]
    call_id: str = Field(max_length=256)
    output: Content
    name: str | None = Field(None, max_length=256, description="The function, if no call names it.")
    NEUTRAL: ClassVar = ITEM | CALLER
    REFUSED: ClassVar = ONLY_DIRECT | {"namespace": "functions have no namespaces here"}


class ReasoningPart(Documented):
    type: Literal["reasoning_text", "summary_text"]
    text: str


Thoughts = Annotated[list[ReasoningPart], Field(max_length=1024, fail_fast=True)]


# Begins our `encrypted_content`. That of another server is for nobody else to read.
NOT_ENCRYPTED = "not encrypted: "


class Reasoning(Documented):
    """What the model thought; it is given the first of these that there is."""

    type: Literal["reasoning"]
    content: Thoughts | None = None
    summary: Thoughts | None = None
    encrypted_content: str | None = Field(None, description="Read if the gateway wrote it.")
    NEUTRAL: ClassVar = ITEM

    @property
    def text(self) -> str:
        _, _, kept = (self.encrypted_content or "").partition(NOT_ENCRYPTED)
        return _joined(self.content or ()) or _joined(self.summary or ()) or kept


class Reference(Unsupported):
    INSTEAD: ClassVar = "the gateway stores nothing: send the item itself, as clients do with `store: false`"

    type: Literal["item_reference", "compaction", "compaction_trigger"]


class HostedItem(Unsupported):
    """What belongs to a tool that the gateway does not have."""

    INSTEAD: ClassVar = "leave it out, or tell the model in a message what matters of it"

    type: Literal[
        "web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call",
        "computer_call", "computer_call_output", "local_shell_call", "local_shell_call_output",
        "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output",
        "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call",
        "custom_tool_call", "custom_tool_call_output", "tool_search_call", "tool_search_output",
        "additional_tools", "configuration_update", "program", "program_output",
    ]  # fmt: skip


def _with_type(item: Any) -> Any:
    """Say what an item is that may leave it out: a message, or a reference."""
    if isinstance(item, dict) and item.get("type") is None:
        return item | {"type": "message" if "role" in item or "id" not in item else "item_reference"}
    return item


Item = Annotated[
    Annotated[
        Message | FunctionCall | FunctionCallOutput | Reasoning | Reference | HostedItem,
        Field(discriminator="type"),
    ],
    BeforeValidator(_with_type),
]


def for_ollama(items: Iterable[Item]) -> Iterator[dict[str, Any]]:
    """Yield the messages of a conversation; what the model said in one turn is one message."""
    names: dict[str, str] = {}  # the function of each call so far
    turn: dict[str, Any] | None = None  # a message of the model that may go on
    for item in items:
        if not isinstance(item, Reasoning | FunctionCall) and getattr(item, "role", "") != "assistant":
            if turn:
                yield turn
            turn = None
            yield _from_outside(item, names)
            continue
        if turn and not _continues(turn, item):
            yield turn
            turn = None
        turn = turn or {"role": "assistant", "content": ""}
        if isinstance(item, Reasoning):
            turn["thinking"] = turn.get("thinking", "") + item.text
        elif isinstance(item, FunctionCall):
            calls = turn.setdefault("tool_calls", [])
            function = {"index": len(calls), "name": item.name, "arguments": arguments(item.arguments)}
            calls.append({"id": item.call_id, "function": function})
            names[item.call_id] = item.name
        elif isinstance(item, Message):
            turn |= _content(item.content)
    if turn:
        yield turn


def _continues(turn: dict[str, Any], item: Item) -> bool:
    """Tell whether the model said an item in the same turn; thoughts come first, and there is one text."""
    if isinstance(item, Reasoning):
        return not (turn["content"] or "tool_calls" in turn)
    return isinstance(item, FunctionCall) or not turn["content"]


def _from_outside(item: Item, names: dict[str, str]) -> dict[str, Any]:
    """Translate what the model did not say."""
    if isinstance(item, FunctionCallOutput):
        name = item.name or names.get(item.call_id)
        tool = {"tool_call_id": item.call_id} | ({"tool_name": name} if name else {})
        return {"role": "tool"} | _content(item.output) | tool
    assert isinstance(item, Message)  # noqa: S101 - the others are refused
    role = "system" if item.role == "developer" else item.role
    return {"role": role} | _content(item.content)


def _content(content: Content) -> dict[str, Any]:
    if isinstance(content, str):
        return {"content": content}
    images = [part.image_url for part in content if isinstance(part, ImagePart)]
    text = _joined(part for part in content if isinstance(part, TextPart | RefusalPart))
    return {"content": text} | ({"images": images} if images else {})


def _joined(parts: Iterable[TextPart | RefusalPart | ReasoningPart]) -> str:
    return "".join(part.text for part in parts)
