"""Fixtures for the embedded runtime."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.runtime import serving


@pytest.fixture
async def serve() -> AsyncIterator[serving.Serve]:
    """Start simulated runtimes with a given behavior; they stop with the test."""
    async with contextlib.AsyncExitStack() as stack:
        yield partial(serving.serve, stack)
