"""The simulated runtime on a real uvicorn, on loopback and in the test's own event loop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from llm_runtime.app import create_app
from llm_runtime.settings import Settings
from llm_runtime.upgrades import Protocol

from tests.processes import PLAIN
from tests.waiting import until, within

Serve = Callable[..., Awaitable["Service"]]


class Server(uvicorn.Server):
    """Leaves the process's signal handlers alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@dataclass
class Service:
    """A running runtime and a client of it."""

    http: httpx.AsyncClient
    server: Server
    port: int

    async def state(self) -> dict[str, Any]:
        """Return what GET /simulator returns."""
        state: dict[str, Any] = (await self.http.get("/simulator")).json()
        return state

    async def reaches(self, **expected: Any) -> dict[str, Any]:
        """Wait until the state has these values, and return it."""
        return await until(
            f"the state {expected}", self.state, lambda state: expected.items() <= state.items()
        )

    async def simulate(self, **change: Any) -> dict[str, Any]:
        """Change behavior and fault by POST /simulator, and return the new state."""
        response = await self.http.post("/simulator", json=change)
        assert response.status_code == 200, response.text
        state: dict[str, Any] = response.json()
        return state


async def serve(stack: contextlib.AsyncExitStack, *, wait: bool = True, **behavior: Any) -> Service:
    """Serve a runtime of this behavior until the stack closes; by default wait until its model is ready."""
    settings = Settings.model_validate({"engine": "simulated", "simulated": behavior})
    config = uvicorn.Config(
        create_app(settings), http=Protocol, port=0, log_level="critical", timeout_graceful_shutdown=0
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())

    async def stop() -> None:
        server.should_exit = True
        await within("the runtime to stop", task)

    stack.push_async_callback(stop)
    await until("the runtime to start", lambda: server.started or task.done())
    assert server.started
    port = server.servers[0].sockets[0].getsockname()[1]
    client = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=60, limits=httpx.Limits(), trust_env=False, verify=PLAIN
    )
    service = Service(await stack.enter_async_context(client), server, port)
    if wait:
        await service.reaches(ready=True)
    return service
