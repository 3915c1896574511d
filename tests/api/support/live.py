"""The gateway on loopback, in the test's own event loop, in front of the simulated runtime."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from llm_api.gateway import Gateway
from llm_api.server.limits import Protocol
from llm_api.settings import Settings
from llm_runtime.app import create_app as create_runtime
from llm_runtime.settings import Settings as RuntimeSettings

from api.main import create_app
from tests.api.support.in_process import MODEL
from tests.processes import PLAIN
from tests.waiting import equals, until, within


class Server(uvicorn.Server):
    """Leaves the signal handlers of the process alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@dataclass
class Live:
    """A gateway and the simulated runtime behind it, each with a client."""

    url: str
    gateway: Gateway
    http: httpx.AsyncClient
    runtime: httpx.AsyncClient
    server: uvicorn.Server

    async def simulate(self, **change: Any) -> None:
        """Change the behavior and the fault of the simulated runtime (`POST /simulator`)."""
        response = await self.runtime.post("/simulator", json=change)
        assert response.status_code == 200, response.text

    async def simulator(self) -> dict[str, Any]:
        """Return the simulated runtime's counters and its record of generations."""
        state: dict[str, Any] = (await self.runtime.get("/simulator")).json()
        return state

    async def simulator_reaches(self, **expected: Any) -> dict[str, Any]:
        """Wait until the simulated runtime's state has these values."""
        return await until(
            f"{expected} at the simulated runtime",
            self.simulator,
            lambda state: {name: state[name] for name in expected} == expected,
        )

    async def admission_reaches(self, *, running: int, waiting: int) -> None:
        """Wait until the gateway has this many running and waiting requests."""
        await admission_reaches(self.gateway, running=running, waiting=waiting)

    def metric(self, name: str, **labels: str) -> float:
        """Return a sample of the gateway's registry, or 0 if there is none."""
        return self.gateway.metrics.registry.get_sample_value(name, labels) or 0.0

    def outcomes(self, outcome: str, route: str = "/generate", model: str = MODEL) -> float:
        """Return how many requests had this outcome."""
        return self.metric("llm_requests_total", model=model, route=route, outcome=outcome)

    async def outcomes_reach(
        self, count: int, outcome: str, route: str = "/generate", model: str = MODEL
    ) -> None:
        """Wait until `count` requests have had this outcome."""
        await until(
            f"{count} {outcome} requests", lambda: self.outcomes(outcome, route, model), equals(count)
        )


Serve = Callable[..., Awaitable[Live]]


async def admission_reaches(gateway: Gateway, *, running: int, waiting: int) -> None:
    """Wait until the gateway has this many running and waiting requests."""
    admission = gateway.admission
    await until(
        f"{running} running and {waiting} waiting requests",
        lambda: (admission.running, admission.waiting),
        equals((running, waiting)),
    )


async def start(stack: AsyncExitStack, *, behavior: Mapping[str, Any] | None = None, **settings: Any) -> Live:
    """Start a simulated runtime with this behavior, and a gateway with these settings in front of it."""
    runtime_url, _ = await listen(stack, simulated_runtime(**(behavior or {"slots": 64})))
    given = {"runtime_url": runtime_url, "model": MODEL, "models_interval_seconds": 0.2} | settings
    app = create_app(Settings.model_validate(given))
    url, server = await listen(stack, app, http=Protocol)
    gateway: Gateway = server.lifespan.state["gateway"]
    await until("the gateway to know its models", lambda: gateway.catalogue.error, equals(None))
    # Reuses no connection that the gateway may be about to close, after 5 s, on a busy machine.
    fresh = httpx.Limits(keepalive_expiry=1)
    http = httpx.AsyncClient(base_url=url, timeout=60, limits=fresh, trust_env=False, verify=PLAIN)
    # Keeps no connection open, so that tests can tell what the gateway leaves open.
    close = httpx.Limits(max_keepalive_connections=0)
    runtime = httpx.AsyncClient(base_url=runtime_url, timeout=60, limits=close, trust_env=False, verify=PLAIN)
    for client in (http, runtime):
        await stack.enter_async_context(client)
    return Live(url, gateway, http, runtime, server)


def simulated_runtime(**behavior: Any) -> FastAPI:
    """Return a runtime that serves MODEL with this behavior."""
    settings = {"engine": "simulated", "model": MODEL, "simulated": behavior}
    return create_runtime(RuntimeSettings.model_validate(settings))


async def listen(stack: AsyncExitStack, app: FastAPI, **config: Any) -> tuple[str, uvicorn.Server]:
    """Serve an app, on a free port if `config` names none, until the stack closes.

    Returns:
        Its URL and its server.
    """
    given: dict[str, Any] = {"port": 0, "log_level": "critical", "timeout_graceful_shutdown": 1} | config
    server = Server(uvicorn.Config(app, **given))
    task = asyncio.create_task(server.serve())
    await until("the server to start", lambda: server.started or task.done())
    assert server.started

    async def stop() -> None:
        server.should_exit = True
        await within("the server to stop", task)

    stack.push_async_callback(stop)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return f"http://{host}:{port}", server
