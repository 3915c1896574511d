"""The gateway: its routes, and the app that serves them. Start it with `uvicorn main:app`.

Edit and save: a change here or in llm_api/ is live about half a second later.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TypedDict

import httpx
from fastapi import APIRouter, Request, Response
from fastapi.middleware import Middleware
from fastapi.responses import PlainTextResponse
from llm_api import errors, lifecycle, logs
from llm_api.dialects.errors import http_exception
from llm_api.dialects.generate import GenerateRequest, GenerateResponse
from llm_api.gateway import Gateway
from llm_api.server import anthropic, ollama, openai, page, unrouted
from llm_api.server.cors import Cors
from llm_api.server.docs import docs
from llm_api.server.generation import answer
from llm_api.server.limits import Protocol
from llm_api.server.middleware import RequestMiddleware
from llm_api.server.routes import (
    GENERATION_ERRORS,
    App,
    BoundedRoute,
    paths,
    paths_with_body,
    responses,
)
from llm_api.settings import Settings, load
from llm_api.upstream.client import Runtime
from llm_api.upstream.inventory import Inventory
from llm_api.upstream.replicas import Replicas
from starlette.exceptions import HTTPException

own = APIRouter(route_class=BoundedRoute)
NOT_READY = (errors.RuntimeUnavailableError, errors.ModelMissingError, errors.ShuttingDownError)
probes = APIRouter()  # what Kubernetes, Prometheus and browsers ask for: no API key needed


@own.post(
    "/generate",
    response_model=GenerateResponse,
    responses=responses(*GENERATION_ERRORS, errors.UnprocessableError, stream="application/x-ndjson"),
)
async def generate(request: Request, body: GenerateRequest) -> Response:
    """Answer a prompt; with `stream`, as NDJSON."""
    return await answer(request, body)


@probes.get("/", include_in_schema=False)
async def chat_page() -> Response:
    """Return the page to chat on; its requests need a key where keys are set."""
    return page.chat_page()


@probes.get("/health")
async def health() -> dict[str, str]:
    """Tell whether the process is alive. The runtime is not asked."""
    return {"status": "ok"}


@probes.get("/ready", responses=responses(*NOT_READY))
async def ready(request: Request) -> dict[str, str]:
    """Tell whether the model can answer."""
    gateway: Gateway = request.state.gateway
    gateway.check_ready()
    return {"status": "ready", "model": gateway.settings.model}


@probes.get("/serving", responses=responses(*NOT_READY))
async def serving(request: Request) -> dict[str, str]:
    """Tell whether this replica takes requests: from when the model can first answer until it shuts down."""
    request.state.gateway.check_serving()
    return {"status": "serving"}


@probes.get("/metrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Return the metrics in Prometheus' text format, or as OpenMetrics to who accepts it."""
    content, media_type = request.state.gateway.metrics.exposition(request.headers.get("accept", ""))
    return Response(content, headers={"content-type": media_type})


GENERATORS = (own, openai.router, anthropic.router, ollama.generations)
ROUTERS = (*GENERATORS, ollama.models, probes, docs)
PROBES = paths(probes)
GENERATING = tuple(path for router in GENERATORS for path in paths_with_body(router))


def kept() -> bool:
    """Tell whether a client keeps a connection. Prometheus is none: it keeps also those that it has left."""
    return any(connection.last_path not in PROBES for connection in Protocol.open_connections)


class State(TypedDict):
    """What `request.state` holds besides the `record` of the request."""

    gateway: Gateway


def create_app(settings: Settings | None = None, transport: httpx.AsyncBaseTransport | None = None) -> App:
    """Return the app. Without `settings`, it reads them from the environment when it starts."""

    @asynccontextmanager
    async def lifespan(_: App) -> AsyncIterator[State]:
        chosen = settings or load()
        logs.configure(chosen)
        replicas = Replicas(chosen.runtime_url, resolve=chosen.runtime_balance == "dns")
        upstream = transport or lifecycle.transport(chosen)
        async with (
            httpx.AsyncClient(transport=upstream, trust_env=False) as http,
            lifecycle.tracing(chosen) as tracing,
        ):
            runtime, inventory = Runtime(chosen, upstream, replicas), Inventory(chosen, http, replicas)
            gateway = Gateway(chosen, runtime, inventory, GENERATING, tracing)
            watching = asyncio.create_task(gateway.catalogue.watch(chosen.models_interval_seconds))
            with lifecycle.on_sigterm(gateway.drain, partial(gateway.drained, kept)):
                yield {"gateway": gateway}
            watching.cancel()

    return App(
        direct=GENERATORS,
        title="llm-api",
        version="0.1.0",
        summary="A gateway to a language model: admission, streaming, metrics.",
        lifespan=lifespan,
        # Not by include_router, which matches each request twice and takes 10 us more for it.
        routes=[route for router in ROUTERS for route in router.routes],
        docs_url=None,  # server/docs has it
        redoc_url=None,
        middleware=[
            Middleware(Cors),
            Middleware(RequestMiddleware, probes=PROBES, counted=GENERATING),
        ],
        exception_handlers={
            404: unrouted.unknown_path,
            405: unrouted.wrong_method,
            HTTPException: http_exception,
        },
        # FastAPI's own tracing would look for OpenTelemetry on every request, trace the probes too, and know
        # neither phases nor outcomes. llm_api/tracing.py makes the spans of the record, which has all of it.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )


app = create_app()
lifecycle.collect_less()
