"""The gateway's transport, and its reaction to SIGTERM."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
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
def on_sigterm(drain: Callable[[], None], drained: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """When SIGTERM arrives, call `drain` in the running loop, and the server's own handler after `drained`.

    uvicorn's handler stops accepting connections, closes idle ones and waits for the open requests. A second
    SIGTERM calls it at once.
    """
    server_handler = signal.getsignal(signal.SIGTERM)
    if not callable(server_handler):  # a server without signal handlers, as in tests
        yield
        return
    loop = asyncio.get_running_loop()
    draining: asyncio.Task[None] | None = None

    async def end(number: int) -> None:
        drain()
        await drained()
        server_handler(number, None)

    def begin(number: int) -> None:
        nonlocal draining
        if draining is None:
            draining = loop.create_task(end(number))
        else:
            server_handler(number, None)

    def handle(number: int, _: FrameType | None) -> None:
        loop.call_soon_threadsafe(begin, number)

    signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, server_handler)
