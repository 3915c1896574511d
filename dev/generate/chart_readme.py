"""The table of values in each chart's README.md, from the comments of its values.yaml.

As in helm-docs, the comment that describes a value starts with `# --` and ends at the value's key.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dev.generate import chart_common, chart_settings
from dev.generate.documents import BEGIN, END
from dev.generate.marked import replace
from dev.settings import ROOT

HEAD = "| Value | Description | Default |\n|---|---|---|\n"
KEY = re.compile(r"( *)([\w-]+):")
COMMENT = re.compile(r" *# ?(.*)")
PART = re.compile(r"  (\w+): (.*)")  # a line of a comment about one key of a list's items


@dataclass
class Value:
    """One described value; `path` is as in `--set`."""

    path: str
    description: str
    default: Any

    def row(self) -> str:
        """Return the value's row of the table."""
        cells = f"`{self.path}`", self.description, f"`{json.dumps(self.default)}`"
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def render() -> dict[Path, str]:
    """Return both READMEs with their table renewed.

    Raises:
        ValueError: A README lacks the marks around its table, or a value has no description.
    """
    texts = {}
    for chart, generated in (("llm-api", chart_settings.render()), ("llm-runtime", chart_common.render())):
        folder = ROOT / "charts" / chart
        rows = [value.row() for value in describe(generated[folder / "values.yaml"])]
        readme = folder / "README.md"
        texts[readme] = replace(readme.read_text(), BEGIN, END, HEAD + "".join(rows))
    return texts


def describe(text: str) -> list[Value]:
    """Return the described values of a values.yaml, in its order.

    Raises:
        ValueError: Neither a value nor one of the maps that it is in has a description.
    """
    values, found = yaml.safe_load(text), list[Value]()
    path, comment = list[str](), list[str]()
    for line in text.splitlines():
        if about := COMMENT.fullmatch(line):
            comment = [about[1]] if about[1].startswith("-- ") else [*comment, about[1]] if comment else []
            continue
        if key := KEY.match(line):
            inner = [*path[: len(key[1]) // 2], key[2]]
            if not _is_key(values, inner):
                continue  # of an item of a list
            path = inner
            if comment:
                found.append(Value(".".join(path), _sentence(comment), _at(values, path)))
        comment = []
    described = {value.path for value in found}
    if missing := [leaf for leaf in _leaves(values) if not described & set(_prefixes(leaf))]:
        raise ValueError(f"values without a description (# --): {', '.join(missing)}")
    return found


def _sentence(comment: list[str]) -> str:
    lines = [comment[0].removeprefix("-- "), *comment[1:]]
    return " ".join(PART.sub(r"<br>`\1`: \2", line).strip() for line in lines)


def _is_key(values: dict[str, Any], path: list[str]) -> bool:
    parent = _at(values, path[:-1])
    return isinstance(parent, dict) and path[-1] in parent


def _at(values: Any, path: list[str]) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _leaves(values: dict[str, Any], above: str = "") -> list[str]:
    """Return the paths of all values that are no maps, or empty ones."""
    return [
        leaf
        for key, value in values.items()
        for leaf in (_leaves(value, f"{above}{key}.") if isinstance(value, dict) and value else [above + key])
    ]


def _prefixes(path: str) -> list[str]:
    keys = path.split(".")
    return [".".join(keys[: depth + 1]) for depth in range(len(keys))]
