"""Development servers for tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dev.server.project import CHAIN, Project, started
from tests.dev.server.support import Dev, dev_server


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    """Serves the word "one"."""
    with dev_server(tmp_path) as server:
        yield server


@pytest.fixture
def loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file, outside the project, in which modules note that they have been loaded."""
    monkeypatch.setenv("LOADS", str(tmp_path / "loads.txt"))
    return tmp_path / "loads.txt"


@pytest.fixture
def project(loads: Path) -> Iterator[Project]:
    """`words` imports `b`, which imports `a`, and then `c`."""
    with started(loads, CHAIN) as project:
        yield project
