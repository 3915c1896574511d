"""Files that are generated from the code they must agree with.

A generator is a function that returns the text of each file it owns, in whole or in part. `python -m
dev.generate` writes them; tests fail where a file differs.
"""

from collections.abc import Callable
from pathlib import Path

from dev.generate import chart_settings

GENERATORS: list[Callable[[], dict[Path, str]]] = [chart_settings.render]


def render() -> dict[Path, str]:
    """Return the text that every generated file should have, by its path."""
    return {path: text for generator in GENERATORS for path, text in generator().items()}
