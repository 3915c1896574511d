"""What the gateway takes from its process and its libraries when it starts and stops."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from llm_api.settings import Settings

# Shorter than any runtime's own (uvicorn's is 5 s), so that no request meets a connection about to end.
KEEP_ALIVE_SECONDS = 4


class Transport(AiohttpTransport):
    """aiohttp's connections under httpx, with httpx's error for an answer that is no HTTP, too."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        try:
            return await super().handle_async_request(request)
        except aiohttp.ClientError as error:
            raise httpx.ReadError("this is no HTTP") from error


def transport(settings: Settings) -> httpx.AsyncBaseTransport:
    """Return aiohttp's connections under httpx: docs/performance.md compares them with httpx's own."""
    limits = httpx.Limits(max_connections=settings.max_running + 8, keepalive_expiry=KEEP_ALIVE_SECONDS)
    return Transport(limits=limits)


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
