"""The gateway in the test's own process, without a socket, in front of a mocked runtime."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import respx
from fastapi import FastAPI
from llm_api.gateway import Gateway
from llm_api.settings import Settings

from api.main import create_app
from tests.waiting import within

RUNTIME_URL = "http://runtime.test"
MODEL = "tiny:1"
# All that Ollama can say of a model: https://github.com/ollama/ollama/blob/main/types/model/capability.go
CAPABILITIES = ["completion", "tools", "insert", "vision", "embedding", "thinking", "image", "audio"]
TAGS = {"models": [{"name": MODEL, "modified_at": "2026-01-02T03:04:05Z"}]}


@dataclass
class InProcess:
    """A gateway, a client of it, and the router (respx) that answers in place of the runtime."""

    gateway: Gateway
    http: httpx.AsyncClient
    runtime: respx.MockRouter

    def metric(self, name: str, **labels: str) -> float | None:
        """Return a sample of the gateway's registry, or None if there is none."""
        return self.gateway.metrics.registry.get_sample_value(name, labels)

    def outcomes(self, outcome: str, route: str = "/generate") -> float | None:
        """Return how many requests had this outcome."""
        return self.metric("llm_requests_total", model=MODEL, route=route, outcome=outcome)


Open = Callable[..., Awaitable[InProcess]]


class BoundedASGITransport(httpx.ASGITransport):
    """Bounds each request: httpx's timeouts have no effect on an app in the same process."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await within(
            f"a response to {request.method} {request.url.path}", super().handle_async_request(request)
        )


@asynccontextmanager
async def started(
    handler: Callable[[httpx.Request], Any], **settings: Any
) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    """Start a gateway whose requests to the runtime go to `handler`, and open a client of it."""
    given = {"runtime_url": RUNTIME_URL, "model": MODEL, "models_interval_seconds": 60} | settings
    app = create_app(Settings.model_validate(given), transport=httpx.MockTransport(handler))
    async with app.router.lifespan_context(app) as state:
        assert isinstance(state, Mapping)
        transport = BoundedASGITransport(_with_state(app, state), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as http:
            yield state["gateway"], http


def _with_state(app: FastAPI, state: Mapping[str, Any]) -> Any:
    """Return the app with its lifespan's state, which ASGITransport does not pass on."""

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return wrapped
