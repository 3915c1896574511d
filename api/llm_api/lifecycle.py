"""What the gateway takes from its process and its libraries when it starts and stops."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import httpx

from llm_api.settings import Settings
from llm_api.upstream import transport as wire

# Shorter than any runtime's own (uvicorn's is 5 s), so that no request meets a connection about to end.
KEEP_ALIVE_SECONDS = 4


def transport(settings: Settings) -> httpx.AsyncBaseTransport:
    """Return what carries requests to the runtime: httpx's own where they are encrypted."""
    if httpx.URL(settings.runtime_url).scheme == "https":
        limits = httpx.Limits(max_connections=None, keepalive_expiry=KEEP_ALIVE_SECONDS)
        return httpx.AsyncHTTPTransport(limits=limits)
    return wire.Transport(KEEP_ALIVE_SECONDS)


@contextmanager
def on_sigterm(notice: Callable[[], None]) -> Iterator[None]:
    """Call `notice` in the running loop before the server's own handler of SIGTERM runs.

    uvicorn closes its listener then, and waits for the requests that it has.
    """
    server_handler = signal.getsignal(signal.SIGTERM)
    if not callable(server_handler):  # a test's server, which handles no signals
        yield
        return
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(notice)
        server_handler(number, frame)

    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, server_handler)
