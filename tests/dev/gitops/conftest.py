import json
from typing import Any

import pytest

from dev import FixableError, kubectl


class Cluster:
    """Answers calls of kubectl from `objects`, by kind/name or kind, and remembers what was applied."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.applied: list[dict[str, Any]] = []
        self.calls: list[tuple[str, ...]] = []

    def output(self, *arguments: str, text: str = "") -> str:
        self.calls.append(arguments)
        if arguments[0] == "apply" and text.startswith("{"):
            self.applied.append(json.loads(text))
        if arguments[0] != "get":
            return ""
        found = self.objects.get("/".join(arguments[1:3]), self.objects.get(arguments[1]))
        if found is None and "--ignore-not-found" not in arguments:
            raise FixableError(f"{arguments[1:3]} is not found")
        return found if isinstance(found, str) else json.dumps(found) if found else ""


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    found = Cluster()
    monkeypatch.setattr(kubectl, "output", found.output)
    monkeypatch.setattr(kubectl.until, "__defaults__", (lambda _: None, 0))
    return found
