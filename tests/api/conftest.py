"""The gateway, in-process before a mocked runtime, or on a real uvicorn before the simulated one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import respx
import uvicorn
from fastapi import FastAPI
from llm_api.gateway import Gateway
from llm_api.server.limits import Protocol
from llm_api.settings import Settings
from llm_runtime.app import create_app as create_runtime
from llm_runtime.settings import Settings as RuntimeSettings

from api.main import create_app

RUNTIME = "http://runtime.test"
MODEL = "tiny:1"
TAGS = {"models": [{"name": MODEL, "modified_at": "2026-01-02T03:04:05Z"}]}


async def until(true: Callable[[], bool]) -> None:
    """Wait until it is true; the test's timeout bounds it."""
    while not true():
        await asyncio.sleep(0.005)


@dataclass
class InProcess:
    """The app without a socket, and a router (respx) in the runtime's place."""

    gateway: Gateway
    http: httpx.AsyncClient
    runtime: respx.MockRouter


@dataclass
class Live:
    """A gateway on loopback, and the simulated runtime behind it."""

    url: str
    gateway: Gateway
    http: httpx.AsyncClient
    runtime: httpx.AsyncClient
    server: uvicorn.Server

    async def simulate(self, **change: Any) -> None:
        """Set behavior and faults of the simulated runtime, as its POST /simulator takes them."""
        answer = await self.runtime.post("/simulator", json=change)
        assert answer.status_code == 200, answer.text

    async def simulator(self) -> dict[str, Any]:
        """What the simulated runtime tells of itself."""
        state: dict[str, Any] = (await self.runtime.get("/simulator")).json()
        return state

    async def simulator_reaches(self, **expected: Any) -> dict[str, Any]:
        """Wait until the simulated runtime's state has these values; the test's timeout bounds it."""
        while True:
            state = await self.simulator()
            if {name: state[name] for name in expected} == expected:
                return state
            await asyncio.sleep(0.01)

    def metric(self, name: str, **labels: str) -> float:
        """A sample of the gateway's registry; 0 where there is none."""
        return self.gateway.metrics.registry.get_sample_value(name, labels) or 0.0


Open = Callable[..., Awaitable[InProcess]]
Serve = Callable[..., Awaitable[Live]]


class Server(uvicorn.Server):
    """Leaves the process's signal handlers alone."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@pytest.fixture
async def open_gateway() -> AsyncIterator[Open]:
    """Open the gateway in-process: `await open_gateway(max_running=1, ...)`, settings by their names."""
    async with contextlib.AsyncExitStack() as stack:

        async def open_it(**settings: Any) -> InProcess:
            router = respx.MockRouter(assert_all_called=False, base_url=RUNTIME)
            router.get("/api/tags").respond(json=TAGS)
            given = {"runtime_url": RUNTIME, "model": MODEL, "models_interval_seconds": 60} | settings
            app = create_app(
                Settings.model_validate(given), transport=httpx.MockTransport(router.async_handler)
            )
            state = await stack.enter_async_context(app.router.lifespan_context(app))
            assert isinstance(state, Mapping)
            gateway = state["gateway"]
            await until(lambda: gateway.catalogue.error is None)
            transport = httpx.ASGITransport(with_state(app, state), raise_app_exceptions=False)
            http = httpx.AsyncClient(transport=transport, base_url="http://gateway.test")
            return InProcess(gateway, await stack.enter_async_context(http), router)

        yield open_it


def with_state(app: FastAPI, state: Mapping[str, Any]) -> Any:
    """The app with its lifespan's state, which ASGITransport does not pass on."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return wrapped


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Serve the gateway before a simulated runtime: `await serve(behavior={...}, max_running=1)`."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(*, behavior: Mapping[str, Any] | None = None, **settings: Any) -> Live:
            simulated = RuntimeSettings.model_validate(
                {"engine": "simulated", "model": MODEL, "simulated": dict(behavior or {"slots": 64})}
            )
            runtime_url, _ = await listen(stack, create_runtime(simulated))
            given = {"runtime_url": runtime_url, "model": MODEL, "models_interval_seconds": 0.2} | settings
            app = create_app(Settings.model_validate(given))
            url, server = await listen(stack, app, http=Protocol)
            gateway: Gateway = server.lifespan.state["gateway"]
            await until(lambda: gateway.catalogue.error is None)
            http, runtime = [
                await stack.enter_async_context(httpx.AsyncClient(base_url=base, timeout=60))
                for base in (url, runtime_url)
            ]
            return Live(url, gateway, http, runtime, server)

        yield start


async def listen(stack: contextlib.AsyncExitStack, app: FastAPI, **config: Any) -> tuple[str, uvicorn.Server]:
    """Serve an app in this loop on a free port until the stack closes: its URL and its server."""
    server = Server(uvicorn.Config(app, port=0, log_level="critical", timeout_graceful_shutdown=1, **config))
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started or task.done())
    assert server.started

    async def stop() -> None:
        server.should_exit = True
        await task

    stack.push_async_callback(stop)
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}", server
