"""The messages of OpenAI's chat completions, and their translation to Ollama's."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from llm_api.dialects.decisions import ANY_VALUE, Documented, Unsupported
from llm_api.dialects.translate.images import BASE64, DATA_URL, from_data_url
from llm_api.dialects.translate.tools import arguments

MARK = {"prompt_cache_breakpoint": ANY_VALUE}
NAME = {"name": ANY_VALUE}


DataURL = Annotated[
    str,
    AfterValidator(from_data_url),
    Field(
        json_schema_extra={"pattern": DATA_URL + BASE64},
        description="A data URL of a JPEG, PNG or WebP image; the gateway fetches nothing.",
    ),
]


class TextPart(Documented):
    type: Literal["text"]
    text: str
    NEUTRAL: ClassVar = MARK


class RefusalPart(Documented):
    """A refusal in an earlier answer, which the model is given as text."""

    type: Literal["refusal"]
    refusal: str

    @property
    def text(self) -> str:
        return self.refusal


class ImageURL(Documented):
    url: DataURL
    NEUTRAL: ClassVar = {"detail": ANY_VALUE}


class ImagePart(Documented):
    """An image, whose address becomes its base64."""

    type: Literal["image_url"]
    image_url: ImageURL
    NEUTRAL: ClassVar = MARK


class OtherPart(Unsupported):
    INSTEAD: ClassVar = "send text and images"
    NEUTRAL: ClassVar = MARK | {"input_audio": ANY_VALUE, "file": ANY_VALUE}

    type: Literal["input_audio", "file"]


Texts = Annotated[list[TextPart], Field(max_length=1024, fail_fast=True)]
UserPart = Annotated[TextPart | ImagePart | OtherPart, Field(discriminator="type")]
AssistantPart = Annotated[TextPart | RefusalPart, Field(discriminator="type")]


class CalledFunction(Documented):
    name: str = Field(max_length=256)
    arguments: str = Field(description="The JSON of an object.")


class ToolCall(Documented):
    """A call in an earlier answer."""

    type: Literal["function"]
    id: str = Field(max_length=256)
    function: CalledFunction

    def for_ollama(self, index: int) -> dict[str, Any]:
        called = self.function
        function = {"index": index, "name": called.name, "arguments": arguments(called.arguments)}
        return {"id": self.id, "function": function}


class CustomToolCall(Unsupported):
    INSTEAD: ClassVar = "describe the tool as a function"
    NEUTRAL: ClassVar = {"custom": ANY_VALUE, "id": ANY_VALUE}

    type: Literal["custom"]


AnyToolCall = Annotated[ToolCall | CustomToolCall, Field(discriminator="type")]


class SystemMessage(Documented):
    role: Literal["system", "developer"]
    content: str | Texts
    NEUTRAL: ClassVar = NAME


class UserMessage(Documented):
    role: Literal["user"]
    content: str | Annotated[list[UserPart], Field(max_length=1024, fail_fast=True)]
    NEUTRAL: ClassVar = NAME


class AssistantMessage(Documented):
    role: Literal["assistant"]
    content: str | Annotated[list[AssistantPart], Field(max_length=1024, fail_fast=True)] | None = None
    refusal: str | None = Field(None, description="Given to the model as text.")
    reasoning: str | None = Field(None, description="Not OpenAI's: what the model thought.")
    tool_calls: Annotated[list[AnyToolCall], Field(max_length=1024, fail_fast=True)] | None = None
    NEUTRAL: ClassVar = NAME | {"annotations": ([],)}
    REFUSED: ClassVar = {
        "annotations": "leave them out",
        "audio": "send text",
        "function_call": "use `tool_calls`",
    }


class ToolMessage(Documented):
    role: Literal["tool"]
    content: str | Texts
    tool_call_id: str = Field(max_length=256)
    name: str | None = Field(None, max_length=256, description="Not OpenAI's: the tool, if no call names it.")


class FunctionMessage(Unsupported):
    TAG: ClassVar = "role"
    INSTEAD: ClassVar = "give the result of a call in a message of the role `tool`"
    NEUTRAL: ClassVar = NAME

    role: Literal["function"]
    content: str | None = None


Message = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage,
    Field(discriminator="role"),
]


def for_ollama(messages: Sequence[Message]) -> Iterator[dict[str, Any]]:
    """Yield messages as Ollama's /api/chat takes them."""
    tools: dict[str, str] = {}  # the name of the tool of each call so far
    for message in messages:
        content = message.content
        role = "system" if message.role == "developer" else message.role
        translated: dict[str, Any] = {"role": role, "content": _text(content)}
        if isinstance(message, UserMessage) and isinstance(content, list):
            if images := [part.image_url.url for part in content if isinstance(part, ImagePart)]:
                translated["images"] = images
        elif isinstance(message, AssistantMessage):
            translated |= _of_assistant(message, tools)
        elif isinstance(message, ToolMessage):
            translated["tool_call_id"] = message.tool_call_id
            name = message.name or tools.get(message.tool_call_id)
            translated |= {"tool_name": name} if name else {}
        yield translated


def length(messages: Sequence[dict[str, Any]]) -> int:
    """Return the number of characters of Ollama's messages that count as prompt."""
    characters = 0
    for message in messages:
        characters += len(message["content"]) + len(message.get("thinking", ""))
        for call in message.get("tool_calls", ()):
            characters += len(str(call["function"]["arguments"]))
    return characters


def _text(content: str | Sequence[Any] | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text for part in content if isinstance(part, TextPart | RefusalPart))


def _of_assistant(message: AssistantMessage, tools: dict[str, str]) -> dict[str, Any]:
    """Return the fields that only an assistant's message has, and note its calls in `tools`."""
    fields: dict[str, Any] = {}
    if message.refusal:
        fields["content"] = _text(message.content) + message.refusal
    if message.reasoning:
        fields["thinking"] = message.reasoning
    if calls := [call for call in message.tool_calls or () if isinstance(call, ToolCall)]:
        fields["tool_calls"] = [call.for_ollama(index) for index, call in enumerate(calls)]
        tools |= {call.id: call.function.name for call in calls}
    return fields
