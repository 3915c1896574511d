"""Reads a model's output into what clients are sent: text, thinking, and calls of tools piece by piece."""

import json
import re
import secrets
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Self

from llm_api.dialects.translate.tools import Plan
from llm_api.upstream.chunk import Chunk

# How an answer begins that is an object for one value, see tools.py.
CALL = re.compile(r'\s*\{\s*"name"\s*:\s*"([^"\\]*)"\s*,\s*"arguments"\s*:\s*')
ANSWER = re.compile(r'\s*\{\s*"answer"\s*:\s*')


@dataclass(slots=True)
class Call:
    """A call of a tool so far; `arguments` is the JSON text of an object, or the beginning of it."""

    index: int
    id: str
    name: str
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Thinking:
    """A piece of what the model thinks."""

    text: str


@dataclass(frozen=True, slots=True)
class CallStart:
    """The beginning of a call: everything but its arguments."""

    call: Call


@dataclass(frozen=True, slots=True)
class Arguments:
    """A piece of a call's arguments, which are JSON text."""

    call: Call
    text: str


Piece = Text | Thinking | CallStart | Arguments


@dataclass(slots=True)
class Output:
    """An answer as far as it has been read.

    Attributes:
        plan: How the model was asked, and so what its text means.
    """

    plan: Plan
    text: str = ""
    thinking: str = ""
    calls: list[Call] = field(default_factory=list)
    _held: str = ""  # text whose meaning is not known yet
    _value: "Value | None" = None  # the value inside an answer that is an object for it

    def read(self, chunk: Chunk) -> Iterator[Piece]:
        """Yield the pieces in a chunk. In a whole answer, they are also collected here."""
        if chunk.thinking:
            self.thinking += chunk.thinking
            yield Thinking(chunk.thinking)
        if chunk.text:
            yield from self._read_text(chunk.text)
        for call in chunk.tool_calls:
            if self.plan.parallel or not self.calls:
                yield from self._start(call.name, call.id)
                yield from self._continue(json.dumps(call.arguments, ensure_ascii=False))

    def rest(self) -> Iterator[Piece]:
        """Yield what was held back, at the end of the answer."""
        if self._held:
            yield self._said(self._held)
            self._held = ""

    def complete(self, *chunks: Chunk) -> Self:
        """Read all of an answer and return it."""
        for chunk in chunks:
            if self.plan.is_plain and not (chunk.thinking or chunk.tool_calls):
                self.text += chunk.text
            else:
                deque(self.read(chunk), maxlen=0)
        if self._held:
            deque(self.rest(), maxlen=0)
        return self

    def _read_text(self, text: str) -> Iterator[Piece]:
        if self.plan.only:
            if not self.calls:
                yield from self._start(self.plan.only.name)
            yield from self._continue(text)
        elif self.plan.wrapped:
            yield from self._unwrap(text)
        else:
            yield self._said(text)

    def _unwrap(self, text: str) -> Iterator[Piece]:
        if self._value is None:
            self._held += text
            if match := CALL.match(self._held):
                yield from self._start(match[1])
            elif not (match := ANSWER.match(self._held)):
                return
            text, self._held, self._value = self._held[match.end() :], "", Value()
        if inside := self._value.read(text):
            if self.calls:
                yield from self._continue(inside)
            else:
                yield self._said(inside)

    def _said(self, text: str) -> Text:
        self.text += text
        return Text(text)

    def _start(self, name: str, identifier: str = "") -> Iterator[Piece]:
        if not identifier or any(call.id == identifier for call in self.calls):
            identifier = f"call_{secrets.token_hex(8)}"  # Clients tell the calls of an answer apart by it.
        call = Call(len(self.calls), identifier, name)
        self.calls.append(call)
        yield CallStart(call)

    def _continue(self, text: str) -> Iterator[Piece]:
        call = self.calls[-1]
        call.arguments += text
        yield Arguments(call, text)


class Value:
    """Finds the end of a JSON value that arrives in pieces."""

    def __init__(self) -> None:
        self._depth, self._in_string, self._escaped, self._ended = 0, False, False, False

    def read(self, text: str) -> str:
        """Return the part of `text` that belongs to the value."""
        for position, character in enumerate(text):
            if self._ended:
                return text[:position]
            self._step(character)
            if self._ended and self._depth < 0:  # the end of the object around a number or a word
                return text[:position]
        return text

    def _step(self, character: str) -> None:
        if self._in_string:
            self._in_string = self._escaped or character != '"'
            self._escaped = character == "\\" and not self._escaped
        elif character == '"':
            self._in_string = True
        elif character in "{[":
            self._depth += 1
            return
        elif character in "}]":
            self._depth -= 1
        else:
            return
        self._ended = self._depth < 0 or (self._depth == 0 and not self._in_string)
