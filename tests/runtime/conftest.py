"""The service on a real uvicorn on loopback, in the test's own loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from llm_runtime.app import create_app
from llm_runtime.settings import Settings

from tests.waiting import until, within

Serve = Callable[..., Awaitable["Service"]]


class Server(uvicorn.Server):
    """Leaves the process's signal handlers alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@dataclass
class Service:
    """A running service and a client of it."""

    url: str
    http: httpx.AsyncClient
    server: Server

    async def state(self) -> dict[str, Any]:
        """What GET /simulator tells."""
        state: dict[str, Any] = (await self.http.get("/simulator")).json()
        return state

    async def reaches(self, **expected: Any) -> dict[str, Any]:
        """Wait until the state has these values."""
        return await until(
            f"{expected} at the simulated runtime",
            self.state,
            lambda state: {name: state[name] for name in expected} == expected,
        )


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a simulated service with these behavior, once its model is ready unless told otherwise."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*, wait: bool = True, **behavior: Any) -> Service:
            settings = Settings.model_validate({"engine": "simulated", "simulated": behavior})
            config = uvicorn.Config(
                create_app(settings), port=0, log_level="critical", timeout_graceful_shutdown=0
            )
            server = Server(config)
            task = asyncio.create_task(server.serve())
            await until("the server to start", lambda: server.started or task.done())
            assert server.started

            async def stop() -> None:
                server.should_exit = True
                await within("the server to stop", task)

            stack.push_async_callback(stop)
            port = server.servers[0].sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}"
            client = httpx.AsyncClient(base_url=url, timeout=20, limits=httpx.Limits(), trust_env=False)
            http = await stack.enter_async_context(client)
            service = Service(url, http, server)
            if wait:
                await service.reaches(ready=True)
            return service

        yield start
