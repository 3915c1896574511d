"""The gateway's transport, and its reaction to SIGTERM."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import httpx

from llm_api.settings import Settings
from llm_api.upstream.transport import Transport

# Shorter than the runtime's (uvicorn's is 5 s), so that no request is sent on a connection about to close.
KEEP_ALIVE_SECONDS = 4


def transport(settings: Settings) -> httpx.AsyncBaseTransport:
    """Return the transport for requests to the runtime; httpx's own for HTTPS."""
    if httpx.URL(settings.runtime_url).scheme == "https":
        limits = httpx.Limits(max_connections=None, keepalive_expiry=KEEP_ALIVE_SECONDS)
        return httpx.AsyncHTTPTransport(limits=limits)
    return Transport(KEEP_ALIVE_SECONDS)


@contextmanager
def on_sigterm(callback: Callable[[], None]) -> Iterator[None]:
    """Call `callback` in the running loop when SIGTERM arrives, before the server's own handler.

    uvicorn's handler stops accepting connections and waits for the open requests.
    """
    server_handler = signal.getsignal(signal.SIGTERM)
    if not callable(server_handler):  # a server without signal handlers, as in tests
        yield
        return
    loop = asyncio.get_running_loop()

    def handle(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(callback)
        server_handler(number, frame)

    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, server_handler)
