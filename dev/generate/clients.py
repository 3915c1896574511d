"""The tables of docs/clients.md: what becomes of each field of each API, from the decisions in the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

from llm_api.dialects.decisions import ANY_VALUE, Documented, Unsupported
from llm_api.server.routes import BoundedRoute

from api.main import create_app
from dev.generate.documents import BEGIN, END
from dev.generate.marked import replace
from dev.settings import ROOT

PAGE = ROOT / "docs/clients.md"
TAGS = ("role", "type")  # fields that tell an object from others at its place


class Row(NamedTuple):
    """The decision on one field."""

    field: str  # a dotted path, in Markdown
    decision: str
    note: str


def render() -> dict[Path, str]:
    """Return the page with its tables renewed.

    Raises:
        ValueError: The page lacks the marks around them.
    """
    sections = []
    shown: dict[str, list[Row]] = {}
    for path, rows in decisions().items():
        like = next((other for other, others in shown.items() if set(rows) <= set(others)), None)
        text = f"Some of the fields of POST {like}, with the same decisions." if like else _text(rows)
        sections.append(f"### POST {path}\n\n{text}\n")
        shown[path] = rows
    return {PAGE: replace(PAGE.read_text(), BEGIN, END, "\n".join(sections))}


def decisions() -> dict[str, list[Row]]:
    """Return the decisions on the fields of each route, by its path, without the gateway's own API."""
    found: dict[str, list[Row]] = {}
    for route in create_app().routes:
        if isinstance(route, BoundedRoute) and route.body_field:
            body: Any = route.body_field.field_info.annotation
            if issubclass(body, Documented):
                found[route.path] = list(dict.fromkeys(_rows(body, "")))
    return found


def _text(rows: list[Row]) -> str:
    lists = {"honoured": [row for row in rows if row.decision == "honoured" and not row.note]}
    lists["accepted"] = [row for row in rows if row.decision == "accepted"]
    parts = [f"{decision.capitalize()}: {_names(listed)}.\n" for decision, listed in lists.items() if listed]
    others = [row for row in rows if not any(row in listed for listed in lists.values())]
    if others:
        parts += ["| Field | Decision | Note |", "|---|---|---|"]
    return "\n".join([*parts, *(f"| {row.field} | {row.decision} | {row.note} |" for row in others)])


def _names(rows: list[Row]) -> str:
    return ", ".join(dict.fromkeys(row.field for row in rows))


def _rows(kind: type[Documented], path: str) -> Iterator[Row]:
    """Yield the decisions on an object's fields, and on those of the objects in it."""
    for name, field in kind.model_fields.items():
        place = path + (field.alias or name)
        yield Row(f"`{place}`", "honoured", _sentence(field.description or ""))
        for inner in _kinds(field.annotation):
            if issubclass(inner, Unsupported):
                yield Row(f"`{place}` ({_tags(inner)})", "refused", _sentence(inner.INSTEAD))
            else:
                yield from _rows(inner, f"{place}.")
    for name in sorted({*kind.NEUTRAL, *kind.REFUSED}):
        yield Row(f"`{path}{name}`", *_decision(kind.NEUTRAL.get(name), kind.REFUSED.get(name, "")))
    for name, reason in kind.IGNORED.items():
        yield Row(f"`{path}{name}`", "ignored", _sentence(reason))


def _decision(accepted: Any, instead: str) -> tuple[str, str]:
    if accepted is ANY_VALUE:
        return "accepted", ""
    if accepted:
        values = " or ".join(f"`{json.dumps(value)}`" for value in accepted)
        return f"accepted if {values}, else refused", _sentence(instead)
    return "refused", _sentence(instead)


def _kinds(annotation: Any) -> Iterator[type[Documented]]:
    """Yield the documented objects in a type."""
    if isinstance(annotation, type) and issubclass(annotation, Documented):
        yield annotation
    for inner in get_args(annotation):
        yield from _kinds(inner)


def _tags(kind: type[Documented]) -> str:
    """Return the values of the field that tells an object from others at its place."""
    for name in TAGS:
        if name in kind.model_fields:
            values = get_args(kind.model_fields[name].annotation)
            return f"{name} {', '.join(values)}" if values else f"other {name}s"
    return "other types"


def _sentence(text: str) -> str:
    text = re.sub(r"\s+", " ", text).strip().rstrip(".").replace("|", "\\|")
    return f"{text[:1].upper()}{text[1:]}." if text else ""
