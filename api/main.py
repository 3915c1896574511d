"""The gateway: its routes, and what lives as long as it does. Start it with `uvicorn main:app`.

Edit and save: what you change here, or in llm_api/, is live about a second later.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypedDict

import httpx
from fastapi import FastAPI, Request, Response
from fastapi.middleware import Middleware
from llm_api import errors, lifecycle, logs
from llm_api.dialects.dialect import GenerateShape
from llm_api.dialects.generate import GenerateRequest, GenerateResponse
from llm_api.dialects.openai_chat import ChatRequest, ChatShape
from llm_api.gateway import Gateway
from llm_api.server import openapi
from llm_api.server.answer import Answer
from llm_api.server.body import read
from llm_api.server.middleware import RequestMiddleware
from llm_api.settings import Settings, load
from llm_api.upstream.client import Runtime
from llm_api.upstream.replicas import Replicas
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

FAILURES = openapi.errors(400, 401, 404, 408, 413, 429, 502, 503, 504)


class State(TypedDict):
    """What requests find in `request.state`, beside their own trace."""

    gateway: Gateway


def create_app(
    settings: Settings | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """Return the app; without settings they come from the environment when it starts."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        chosen = settings or load()
        logs.configure(chosen)
        replicas = Replicas(chosen.runtime_url, resolve=chosen.runtime_balance == "dns")
        carrier = transport or lifecycle.transport(chosen)
        async with httpx.AsyncClient(transport=carrier, trust_env=False) as http:
            gateway = Gateway(chosen, Runtime(chosen, http, carrier, replicas))
            watching = asyncio.create_task(gateway.catalogue.watch(chosen.models_interval_seconds))
            with lifecycle.on_sigterm(gateway.drain):
                yield {"gateway": gateway}
            watching.cancel()

    app = FastAPI(
        title="llm-api",
        version="0.1.0",
        summary="A gateway to a language model: admission, streaming, metrics.",
        lifespan=lifespan,
        middleware=[Middleware(RequestMiddleware)],
        # Asked for at every request; nothing here is set up for it.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.openapi = lambda: openapi.document(app, GenerateRequest, ChatRequest)  # type: ignore[method-assign]
    errors.install(app)

    @openapi.post(
        app,
        "/generate",
        responses=FAILURES
        | openapi.errors(422)
        | openapi.answer("application/x-ndjson", model=GenerateResponse),
        openapi_extra=openapi.body(GenerateRequest),
    )
    async def generate(request: Request) -> Response:
        """Answer a prompt; with `stream`, as NDJSON."""
        gateway, trace = request.state.gateway, request.state.trace
        wish = await read(request, GenerateRequest)
        await gateway.keys.spend(trace.key)
        trace.model = await gateway.catalogue.resolve(wish.model)
        return Answer(gateway, trace, wish.job(trace.model, gateway.settings), GenerateShape(trace))

    @openapi.post(
        app,
        "/v1/chat/completions",
        responses=FAILURES | openapi.answer("text/event-stream", model=dict[str, Any]),
        openapi_extra=openapi.body(ChatRequest),
    )
    async def chat(request: Request) -> Response:
        """Continue a conversation, as OpenAI's clients ask for it; with `stream`, as server-sent events."""
        gateway, trace = request.state.gateway, request.state.trace
        wish = await read(request, ChatRequest, errors.InvalidRequestError)
        await gateway.keys.spend(trace.key)
        trace.model = await gateway.catalogue.resolve(wish.model)
        usage = bool(wish.stream_options and wish.stream_options.include_usage)
        return Answer(
            gateway, trace, wish.job(trace.model, gateway.settings), ChatShape(trace, include_usage=usage)
        )

    @app.get("/v1/models", responses=openapi.errors(401, 503))
    async def models(request: Request) -> dict[str, Any]:
        """List the runtime's models."""
        catalogue = request.state.gateway.catalogue
        if isinstance(catalogue.trouble, errors.RuntimeUnavailableError):
            raise catalogue.trouble.with_traceback(None)
        return {"object": "list", "data": [catalogue.entry(name) for name in catalogue.models]}

    @app.get("/v1/models/{name:path}", responses=openapi.errors(401, 404, 503))
    async def model(request: Request, name: str) -> dict[str, Any]:
        """Tell of one model."""
        catalogue = request.state.gateway.catalogue
        entry: dict[str, Any] = catalogue.entry(await catalogue.resolve(name))
        return entry

    @app.get("/health")
    async def health() -> dict[str, str]:
        """The process is alive; the runtime is not asked."""
        return {"status": "ok"}

    @app.get("/ready", responses=openapi.errors(503))
    async def ready(request: Request) -> dict[str, str]:
        """The model can answer."""
        gateway: Gateway = request.state.gateway
        gateway.check_ready()
        return {"status": "ready", "model": gateway.settings.model}

    @app.get("/metrics", response_class=Response, responses=openapi.answer("text/plain"))
    async def metrics(request: Request) -> Response:
        """Prometheus' text format."""
        return Response(
            request.state.gateway.metrics.render(), headers={"content-type": CONTENT_TYPE_PLAIN_0_0_4}
        )

    return app


app = create_app()
