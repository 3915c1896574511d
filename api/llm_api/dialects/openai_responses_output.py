"""The items of an answer in OpenAI's responses, and the events that tell of them.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from llm_api.dialects.openai import logprobs
from llm_api.dialects.openai_responses_items import NOT_ENCRYPTED
from llm_api.dialects.translate.output import Arguments, CallStart, Output, Piece, Text
from llm_api.upstream.chunk import Chunk

Event = tuple[str, dict[str, Any]]  # its type, and its fields


@dataclass(frozen=True, slots=True)
class Kind:
    """How an item is sent.

    Attributes:
        prefix: Of the item's id.
        item: Its first fields.
        text: The field that grows.
        events: The beginning of the types of the events of its text.
        part: The part that has the text; None if the item itself has it.
        parts: The field of the item that lists its parts.
        part_events: The beginning of the types of the events of its part.
        index: The field that places the part.
    """

    prefix: str
    item: dict[str, Any]
    text: str
    events: str
    part: dict[str, Any] | None = None
    parts: str = "content"
    part_events: str = "response.content_part"
    index: str = "content_index"

    @property
    def place(self) -> dict[str, int]:
        """Where its text is in the item."""
        return {self.index: 0} if self.part is not None else {}


MESSAGE = Kind(
    "msg",
    {"type": "message", "role": "assistant", "content": []},
    "text",
    "response.output_text",
    {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
)
# OpenAI and the Open Responses specification share these events; for raw thinking, each has its own.
SUMMARY = Kind(
    "rs",
    {"type": "reasoning", "summary": []},
    "text",
    "response.reasoning_summary_text",
    {"type": "summary_text", "text": ""},
    "summary",
    "response.reasoning_summary_part",
    "summary_index",
)
CALL = Kind("fc", {"type": "function_call"}, "arguments", "response.function_call_arguments")


@dataclass(slots=True)
class Items:
    """The items of an answer as far as it has been read; each ends before the next one starts.

    Attributes:
        output: Reads the model's output.
        encrypted: Whether thinking also comes as `encrypted_content`.
        all: The items.
        reasoning_tokens: How many there were; a runtime sends them one by one in a stream.
    """

    output: Output
    encrypted: bool
    all: list[dict[str, Any]] = field(default_factory=list)
    reasoning_tokens: int = 0
    _kind: Kind | None = None  # of the item that has not ended
    _grows: dict[str, Any] = field(default_factory=dict)  # what has its text
    _id: str = field(default_factory=lambda: secrets.token_hex(12))

    def read(self, chunk: Chunk) -> Iterator[Event]:
        """Yield the events of a chunk. Use each before the next one: they share the items."""
        self.reasoning_tokens += bool(chunk.thinking)
        entries = logprobs(chunk.logprobs)
        for piece in self.output.read(chunk):
            yield from self._of_piece(piece, entries)
            if isinstance(piece, Text):
                entries = []

    def end(self, *, complete: bool) -> Iterator[Event]:
        """Yield the events of what was held back, and of the end of the last item."""
        for piece in self.output.rest():
            yield from self._of_piece(piece, [])
        if not self.all:
            yield from self._start(MESSAGE)
        yield from self._stop("completed" if complete else "incomplete")

    def _of_piece(self, piece: Piece, entries: list[dict[str, Any]]) -> Iterator[Event]:
        if isinstance(piece, CallStart):
            yield from self._start(CALL, call_id=piece.call.id, name=piece.call.name, arguments="")
        elif isinstance(piece, Arguments):
            yield self._grow(CALL, piece.text)
        else:
            kind = MESSAGE if isinstance(piece, Text) else SUMMARY
            if self._kind is not kind:
                yield from self._start(kind)
            yield self._grow(kind, piece.text, **({"logprobs": entries} if kind is MESSAGE else {}))

    def _start(self, kind: Kind, **fields: Any) -> Iterator[Event]:
        yield from self._stop("completed")
        identifier = f"{kind.prefix}_{self._id}_{len(self.all)}"
        item = {"id": identifier, "status": "in_progress"} | kind.item | fields
        self.all.append(item)
        self._kind, self._grows = kind, item
        yield "response.output_item.added", {"output_index": len(self.all) - 1, "item": item}
        if kind.part is not None:
            self._grows = kind.part | {name: [] for name, value in kind.part.items() if value == []}
            yield f"{kind.part_events}.added", self._place() | {"part": self._grows}
            item[kind.parts] = [self._grows]

    def _grow(self, kind: Kind, text: str, **more: Any) -> Event:
        self._grows[kind.text] += text
        if "logprobs" in more:
            self._grows["logprobs"] += more["logprobs"]
        return f"{kind.events}.delta", self._place() | {"delta": text} | more

    def _stop(self, status: str) -> Iterator[Event]:
        """Yield the events of the end of an item, if one is going on."""
        if (kind := self._kind) is None:
            return
        self._kind, item = None, self.all[-1]
        text = self._grows[kind.text]
        place = {"item_id": item["id"], "output_index": len(self.all) - 1} | kind.place
        entries = self._grows.get("logprobs")
        yield (
            f"{kind.events}.done",
            place | {kind.text: text} | ({} if entries is None else {"logprobs": entries}),
        )
        if kind.part is not None:
            yield f"{kind.part_events}.done", place | {"part": self._grows}
        item["status"] = status
        if self.encrypted and kind is SUMMARY:
            item["encrypted_content"] = NOT_ENCRYPTED + text
        yield "response.output_item.done", {"output_index": len(self.all) - 1, "item": item}

    def _place(self) -> dict[str, Any]:
        assert self._kind is not None  # noqa: S101 - an item is going on
        return {"item_id": self.all[-1]["id"], "output_index": len(self.all) - 1} | self._kind.place
