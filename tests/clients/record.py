"""The outcomes of tests by client, API and feature."""

from collections.abc import Iterable
from pathlib import Path

from dev.generate.client_matrix import Cell

WORST_FIRST = ("failed", "skipped", "passed")


class Record:
    """The cells that the tests in these files prove, and their outcomes so far."""

    def __init__(self, declared: Iterable[Cell], files: Iterable[Path] = ()) -> None:
        self.declared = list(dict.fromkeys(declared))
        self.files = set(files)
        self.outcomes = dict[Cell, str]()

    def note(self, cell: Cell, outcome: str) -> None:
        """Note a test's outcome; the worst of a cell's tests counts."""
        self.outcomes[cell] = min(outcome, self.outcomes.get(cell, "passed"), key=WORST_FIRST.index)
