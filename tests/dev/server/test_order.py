"""What of a module's text decides whether the modules that it imports may stay loaded."""

import pytest

from dev.server.order import imports_of, same_imports

TOP = '"""Doc."""\n\nfrom __future__ import annotations\n\nimport a\nfrom b import (\n    c,\n)\n'


@pytest.mark.parametrize("rest", ["", "\nX = 1\nimport d\n", "\nif a:\n    import d\n", "\na()\n"])
def test_the_imports_at_the_top_end_with_the_first_other_statement(rest: str) -> None:
    assert imports_of((TOP + rest).encode()) == TOP


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [
        ("import a\nX = 1", "import a\nX = 2", True),
        ("import a\nX = 1", "import a\nimport b\nX = 1", False),
        ("import a\nX = 1", "X = 1\nimport a", False),
        ("import a\nX = 1", "import a\nX = (", True),
        ("import a\nX = 1", "import a\n\0", True),
    ],
)
def test_imports_are_the_same_or_cannot_be_reached(before: str, now: str, same: bool) -> None:
    assert same_imports(before.encode(), now.encode()) == same
