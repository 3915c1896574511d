"""Programs that some tests need; without them these tests are skipped."""

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def program(name: str) -> str:
    """Return the path of a program on the PATH or among the project's own tools; skip the test without it."""
    places = os.pathsep.join([os.environ.get("PATH", ""), str(ROOT / ".tools" / "bin")])
    found = shutil.which(name, path=places)
    if found is None:
        pytest.skip(f"{name} is neither on the PATH nor in .tools/bin (`make up` installs it)")
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
