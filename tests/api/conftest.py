from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
import respx

from tests.api.support import live
from tests.api.support.collector import Collector, collecting
from tests.api.support.in_process import CAPABILITIES, RUNTIME_URL, TAGS, InProcess, Open, started
from tests.waiting import equals, until


@pytest.fixture
async def open_gateway() -> AsyncIterator[Open]:
    """Open in-process gateways whose settings are given as keyword arguments, such as max_running=1."""
    async with AsyncExitStack() as stack:

        async def open_it(**settings: Any) -> InProcess:
            router = respx.MockRouter(assert_all_called=False, base_url=RUNTIME_URL)
            router.get("/api/tags").respond(json=TAGS)
            router.post("/api/show").respond(json={"capabilities": CAPABILITIES})
            gateway, http = await stack.enter_async_context(started(router.async_handler, **settings))
            await until("the gateway to know its models", lambda: gateway.catalogue.error, equals(None))
            return InProcess(gateway, http, router)

        yield open_it


@pytest.fixture
async def serve() -> AsyncIterator[live.Serve]:
    """Serves gateways on loopback, each with a simulated runtime; arguments as for `live.start`."""
    async with AsyncExitStack() as stack:

        async def start(**given: Any) -> live.Live:
            return await live.start(stack, **given)

        yield start


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector of traces, to which spans are sent soon after their end."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    with collecting() as running:
        yield running
