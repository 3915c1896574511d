"""The outcomes of tests by client, API and feature."""

from collections.abc import Iterable
from typing import NamedTuple

WORST_FIRST = ("failed", "skipped", "passed")


class Cell(NamedTuple):
    """A cell of the table of clients; the client is the name of its package."""

    client: str
    api: str
    feature: str


class Record:
    """The cells that a run of tests is to prove, and the outcomes so far."""

    def __init__(self, declared: Iterable[Cell]) -> None:
        self.declared = list(dict.fromkeys(declared))
        self.outcomes: dict[Cell, str] = {}

    def note(self, cell: Cell, outcome: str) -> None:
        """Note a test's outcome; the worst of a cell's tests counts."""
        self.outcomes[cell] = min(outcome, self.outcomes.get(cell, "passed"), key=WORST_FIRST.index)
