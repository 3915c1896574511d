"""A runner for the engine that the test file makes."""

from collections.abc import AsyncIterator

import pytest
from llm_runtime.engines.engine import Engine
from llm_runtime.runner import Runner


@pytest.fixture
async def runner(engine: Engine) -> AsyncIterator[Runner]:
    runner = Runner(engine)
    await runner.load()
    yield runner
    await runner.unload()
