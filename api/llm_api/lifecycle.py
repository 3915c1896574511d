"""The gateway's memory, its transport, its traces, and its reaction to SIGTERM."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import TYPE_CHECKING

import httpx

from llm_api.settings import Settings, SettingsError
from llm_api.upstream.transport import Transport

if TYPE_CHECKING:
    from llm_api.tracing import Tracing

# Shorter than the runtime's (uvicorn's is 5 s), so that no request is sent on a connection about to close.
KEEP_ALIVE_SECONDS = 4


# Objects between two looks for garbage, and between two at older ones.
COLLECTION = (10_000, 20, 50)


def collect_less() -> None:
    """Look for garbage less often, and not among what is loaded for good.

    With Python's own values this takes a tenth of the CPU time of a request, which leaves next to no garbage.
    """
    gc.freeze()
    gc.set_threshold(*COLLECTION)


def transport(settings: Settings) -> httpx.AsyncBaseTransport:
    """Return the transport for requests to the runtime; httpx's own for HTTPS."""
    if httpx.URL(settings.runtime_url).scheme == "https":
        limits = httpx.Limits(max_connections=None, keepalive_expiry=KEEP_ALIVE_SECONDS)
        return httpx.AsyncHTTPTransport(limits=limits)
    return Transport(KEEP_ALIVE_SECONDS)


@asynccontextmanager
async def tracing(settings: Settings) -> AsyncIterator["Tracing | None"]:
    """Yield what sends the traces, where a collector is set; send the last ones at the end.

    Raises:
        SettingsError: A collector is set, and OpenTelemetry is not installed.
    """
    if settings.otlp_endpoint is None:
        yield None
        return
    try:
        from llm_api.tracing import Tracing
    except ImportError as error:
        raise SettingsError(
            f"LLM_OTLP_ENDPOINT needs the packages of the extra `tracing` (api/pyproject.toml): {error}"
        ) from error
    opened = Tracing(settings.otlp_endpoint)
    try:
        yield opened
    finally:
        await opened.close()


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
