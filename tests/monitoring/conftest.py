"""Programs that some tests need, and why a test is skipped without one."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def program(name: str) -> str:
    """Return the path of a program from the PATH or the project's own tools; skip where it is in neither."""
    places = os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".tools" / "bin")])
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"{name} is not on the PATH nor in .tools/bin (make up installs it)")
    return found


@pytest.fixture(scope="session")
def promtool() -> str:
    return program("promtool")


@pytest.fixture(scope="session")
def helm() -> str:
    return program("helm")


@pytest.fixture(scope="session")
def prometheus() -> str:
    return program("prometheus")
