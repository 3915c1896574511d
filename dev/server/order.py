"""The order in which a process loads the project's own modules, and how much of it stands after a save.

What stands are modules that a process which starts from nothing would load just so: their own text is the
same, nothing that has changed was loaded before them, and nothing but imports ran on the way to them.
"""

import ast
import sys
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from types import CodeType, FrameType
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """A module began to load, at a line of the module that imports it; "" if that is not the project's."""

    name: str
    path: str
    importer: str
    line: int


@dataclass
class Order:
    """What a process has loaded.

    Attributes:
        begun, finished: The modules in the order in which their loading began, and in which it was complete.
        admit: Is asked before a module begins.
    """

    begun: list[Step] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    admit: Callable[[str], None] = lambda name: None
    _open: list[tuple[str, CodeType]] = field(default_factory=list)

    @contextmanager
    def loading(self, name: str, path: str, code: CodeType) -> Iterator[None]:
        """Take note of a module that loads during the block."""
        self.admit(name)
        importer, its_code = self._open[-1] if self._open else ("", None)
        self.begun.append(Step(name, path, importer, _line(its_code, sys._getframe())))
        self._open.append((name, code))
        try:
            yield
            self.finished.append(name)
        finally:
            self._open.pop()

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` needs in another process."""
        return {"begun": [asdict(step) for step in self.begun], "finished": self.finished}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> "Order":
        """Return the order of another process."""
        return cls([Step(**step) for step in fields["begun"]], fields["finished"])

    def standing(self, changed: Set[str], imports: Callable[[str], str]) -> list[str]:
        """Return the modules that stand when the files with these paths change, in their order.

        Args:
            changed: Their imports at the top stay the same.
            imports: Returns the lines of a file up to the last of its imports at the top.
        """
        paths = {step.name: step.path for step in self.begun}
        before = set(takewhile(lambda name: paths[name] not in changed, self.finished))
        standing = []
        for step in self.begun:
            ran = step.importer and step.importer not in before
            if ran and step.line > len(imports(paths[step.importer]).splitlines()):
                break  # other statements of its importer ran before, and would have to run again
            if step.name in before:
                standing.append(step.name)
        return standing


def imports_of(text: bytes) -> str:
    """Return the lines of a source up to the last of the imports at its top.

    Raises:
        SyntaxError: The source cannot be parsed.
        ValueError: The source contains null bytes.
    """
    end = 0
    for statement in ast.parse(text).body:
        constant = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not constant and not isinstance(statement, ast.Import | ast.ImportFrom):
            break
        end = statement.end_lineno or 0
    return "".join(text.decode(errors="replace").splitlines(keepends=True)[:end])


def same_imports(before: bytes, now: bytes) -> bool:
    """Return whether the imports at the top of a source are the same, or it cannot be loaded at all."""
    try:
        return imports_of(before) == imports_of(now)
    except (SyntaxError, ValueError):
        return True


def _line(code: CodeType | None, frame: FrameType | None) -> int:
    """Return the line that a module is at while it loads another one; a high one if another thread does."""
    while frame and frame.f_code is not code:
        frame = frame.f_back
    return frame.f_lineno if frame else sys.maxsize
