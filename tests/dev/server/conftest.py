"""A development server for a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dev.server.support import Dev, dev_server


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    """Serves the word "one"."""
    with dev_server(tmp_path) as server:
        yield server
