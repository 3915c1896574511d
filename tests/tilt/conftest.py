"""The fixture of the Tiltfile's tests."""

import pytest

from tests.tilt.evaluated import Evaluator


@pytest.fixture(scope="session")
def evaluate(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    """Evaluates the Tiltfile; skips the test without Tilt or helm."""
    return Evaluator(tmp_path_factory.mktemp("tilt"))
