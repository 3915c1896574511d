"""What requests leave behind: nothing that only Python's garbage collector could free."""

import gc
from collections.abc import Iterator

import pytest
from llm_api.record import RequestRecord

from tests.api.support.live import Serve
from tests.api.support.requests import BODIES


@pytest.fixture
def garbage() -> Iterator[list[object]]:
    """Keep what the collector finds."""
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    yield gc.garbage
    gc.set_debug(0)
    gc.garbage.clear()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("route", BODIES)
async def test_a_request_leaves_no_cycle_of_objects(
    serve: Serve, garbage: list[object], route: str, stream: bool
) -> None:
    live = await serve()
    for _ in range(3):
        response = await live.http.post(route, json=BODIES[route] | {"stream": stream})
        assert response.status_code == 200
    gc.collect()
    assert not [found for found in garbage if isinstance(found, RequestRecord)]
