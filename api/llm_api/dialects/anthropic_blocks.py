"""The messages of Anthropic's API, made of content blocks, and their translation to Ollama's."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from llm_api.dialects.anthropic_sources import AnySource, Base64Source
from llm_api.dialects.decisions import ANY_VALUE, Documented, Unsupported


class Block(Documented):
    """A part of a message. There is no prompt cache to control."""

    NEUTRAL: ClassVar = {"cache_control": ANY_VALUE}


class TextBlock(Block):
    NEUTRAL: ClassVar = Block.NEUTRAL | {"citations": ANY_VALUE}

    type: Literal["text"]
    text: str


class ImageBlock(Block):
    NEUTRAL: ClassVar = Block.NEUTRAL | {"transformations": ANY_VALUE}

    type: Literal["image"]
    source: AnySource


class Attachment(Unsupported):
    INSTEAD: ClassVar = "send its text in a text block"

    type: Literal["document", "search_result", "container_upload", "tool_reference", "browser_state"]


class ServerToolBlock(Unsupported):
    INSTEAD: ClassVar = "run a tool of your own, and send its tool_result"

    type: Literal[
        "server_tool_use",
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
    ]


class ToolUseBlock(Block):
    """A call of a tool by the model; the caller is always the model itself."""

    NEUTRAL: ClassVar = Block.NEUTRAL | {"caller": ANY_VALUE, "toolset_name": ANY_VALUE}

    type: Literal["tool_use"]
    id: str
    name: str
    input: dict[str, Any]


ResultBlock = Annotated[TextBlock | ImageBlock | Attachment, Field(discriminator="type")]


class ToolResultBlock(Block):
    NEUTRAL: ClassVar = Block.NEUTRAL | {"toolset_name": ANY_VALUE}

    type: Literal["tool_result"]
    tool_use_id: str
    content: str | list[ResultBlock] | None = None
    is_error: bool | None = Field(None, description="Told to the model as a prefix of the content.")

    def translate(self, names: dict[str, str]) -> dict[str, Any]:
        """Return it as Ollama's message of the role `tool`; `names` has the tool's name by its call's id."""
        parts = self.content if isinstance(self.content, list) else []
        text = self.content if isinstance(self.content, str) else _text(parts)
        message: dict[str, Any] = {
            "role": "tool",
            "content": f"Error: {text}" if self.is_error else text,
            "tool_call_id": self.tool_use_id,
        }
        if name := names.get(self.tool_use_id):
            message["tool_name"] = name
        if images := _images(parts):
            message["images"] = images
        return message


class ThinkingBlock(Documented):
    NEUTRAL: ClassVar = {"signature": ANY_VALUE}

    type: Literal["thinking"]
    thinking: str


class RedactedThinkingBlock(Documented):
    """Encrypted for Anthropic's models: no other can read it, and it is left out."""

    type: Literal["redacted_thinking"]
    data: str


AnyBlock = Annotated[
    TextBlock
    | ImageBlock
    | Attachment
    | ToolUseBlock
    | ToolResultBlock
    | ThinkingBlock
    | RedactedThinkingBlock
    | ServerToolBlock,
    Field(discriminator="type"),
]


class Message(Documented):
    role: Literal["user", "assistant", "system"]
    content: str | Annotated[list[AnyBlock], Field(max_length=100_000, fail_fast=True)]

    def translate(self, names: dict[str, str]) -> Iterator[dict[str, Any]]:
        """Yield it as Ollama's messages: each tool result is one, the rest is another.

        Args:
            names: The tools' names by the ids of their calls, to read and to add to.
        """
        if isinstance(self.content, str):
            yield {"role": self.role, "content": self.content}
            return
        results = [block for block in self.content if isinstance(block, ToolResultBlock)]
        yield from (result.translate(names) for result in results)
        message: dict[str, Any] = {"role": self.role, "content": _text(self.content)}
        if thinking := "".join(b.thinking for b in self.content if isinstance(b, ThinkingBlock)):
            message["thinking"] = thinking
        if images := _images(self.content):
            message["images"] = images
        if uses := [block for block in self.content if isinstance(block, ToolUseBlock)]:
            names |= {use.id: use.name for use in uses}
            message["tool_calls"] = [
                {"id": use.id, "function": {"name": use.name, "arguments": use.input}} for use in uses
            ]
        if message["content"] or len(message) > 2 or not results:
            yield message


def translate(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Return a conversation as Ollama's messages."""
    names: dict[str, str] = {}
    return [translated for message in messages for translated in message.translate(names)]


def length(messages: Iterable[dict[str, Any]]) -> int:
    """Return the number of characters in Ollama's messages."""
    return sum(
        len(message["content"])
        + len(message.get("thinking", ""))
        + (len(json.dumps(message["tool_calls"])) if "tool_calls" in message else 0)
        for message in messages
    )


def _text(blocks: Iterable[Any]) -> str:
    return "".join(block.text for block in blocks if isinstance(block, TextBlock))


def _images(blocks: Iterable[Any]) -> list[str]:
    sources = (block.source for block in blocks if isinstance(block, ImageBlock))
    return [source.data for source in sources if isinstance(source, Base64Source)]
