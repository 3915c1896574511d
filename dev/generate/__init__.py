"""Files that are generated from the code they must agree with.

A generator is a function that returns the text of each file it owns, in whole or in part. `make generate`
writes the files; tests fail where a file differs.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from dev.generate import chart_common, chart_readme, chart_settings, client_matrix, clients, documents, models
from monitoring.source import render as monitoring

GENERATORS: list[Callable[[], dict[Path, str]]] = [
    chart_settings.render,
    chart_common.render,
    chart_readme.render,
    models.render,
    documents.render,
    clients.render,
    monitoring.render,
]


def render() -> dict[Path, str]:
    """Return the text that every generated file should have, by its path."""
    return {path: text for generator in GENERATORS for path, text in generator().items()}


def main(argv: list[str]) -> int:
    """Write every generated file that is out of date, and delete dashboards that are no longer generated."""
    argparse.ArgumentParser(prog="python -m dev generate", description=main.__doc__).parse_args(argv)
    files = render()
    for path, text in files.items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            print(f"wrote {path}")
    for path in sorted(set(monitoring.DASHBOARDS.glob("*.json")) - files.keys()):
        path.unlink()
        print(f"deleted {path}")
    if client_matrix.update():
        print(f"wrote {client_matrix.PAGE}")
    return 0
