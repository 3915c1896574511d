from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.support.browser import Page
from tests.api.support.chromium import chromium, executable


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    """A new tab of a new Chromium; the test is skipped where there is none."""
    path = executable()
    if path is None:
        pytest.skip("no Chromium on this machine; the variable CHROMIUM may name one")
    async with chromium(path, tmp_path / "profile") as tab:
        yield tab
