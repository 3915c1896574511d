"""The routes of Ollama's own API, so that its clients need only another address."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from llm_api import errors
from llm_api.dialects.dialect import encode
from llm_api.dialects.errors import OllamaErrorResponse
from llm_api.dialects.ollama import (
    OllamaChatRequest,
    OllamaEmbeddingsRequest,
    OllamaEmbedRequest,
    OllamaGenerateRequest,
    OllamaShowRequest,
)
from llm_api.gateway import Gateway
from llm_api.server.generation import answer
from llm_api.server.routes import BoundedRoute, generates, responses

BODY_ERRORS = (errors.InvalidRequestError, errors.BodyTimeoutError, errors.TooLargeError)
CHANGE_ERRORS = (errors.InvalidRequestError, errors.ModelChangeError)
NDJSON = "application/x-ndjson"
generations = APIRouter(route_class=BoundedRoute, tags=["Ollama's API"])
models = APIRouter(route_class=BoundedRoute, tags=["Ollama's API"])


def _query(*more: type[errors.GatewayError]) -> dict[str, Any]:
    shared = (errors.AuthenticationError, errors.RuntimeFailedError, errors.RuntimeUnavailableError)
    return {
        "response_model": dict[str, Any],
        "responses": responses(*shared, *more, shape=OllamaErrorResponse),
    }


@generations.post("/api/chat", **generates(NDJSON, OllamaErrorResponse))
async def chat(request: Request, body: OllamaChatRequest) -> Response:
    """Continue a conversation, as in Ollama's API: as NDJSON unless `stream` is false."""
    return await answer(request, body)


@generations.post("/api/generate", **generates(NDJSON, OllamaErrorResponse))
async def generate(request: Request, body: OllamaGenerateRequest) -> Response:
    """Answer a prompt, as in Ollama's API: as NDJSON unless `stream` is false."""
    return await answer(request, body)


@generations.post("/api/embed", **generates(shape=OllamaErrorResponse))
async def embed(request: Request, body: OllamaEmbedRequest) -> Response:
    """Embed texts, as in Ollama's API."""
    return await answer(request, body)


@generations.post("/api/embeddings", **generates(shape=OllamaErrorResponse))
async def embeddings(request: Request, body: OllamaEmbeddingsRequest) -> Response:
    """Embed one text, as in Ollama's older API."""
    return await answer(request, body)


@models.get("/api/version", **_query())
async def version(request: Request) -> Response:
    """Return the runtime's version."""
    return _json(await request.state.gateway.inventory.ask("GET", "/api/version"))


@models.get("/api/tags", **_query())
async def tags(request: Request) -> Response:
    """List the models; an alias is listed with the details of its model."""
    gateway: Gateway = request.state.gateway
    listed = {entry["name"]: entry for entry in await gateway.inventory.entries("/api/tags")}
    aliases = [
        listed[name] | {"name": alias, "model": alias}
        for alias, name in gateway.catalogue.aliases().items()
        if name in listed
    ]
    return _json({"models": [*listed.values(), *aliases]})


@models.get("/api/ps", **_query())
async def ps(request: Request) -> Response:
    """List the models that are loaded."""
    return _json({"models": await request.state.gateway.inventory.entries("/api/ps")})


@models.post("/api/show", **_query(*BODY_ERRORS, errors.UnknownModelError))
async def show(request: Request, body: OllamaShowRequest) -> Response:
    """Describe a model.

    Ollama never lists `embedding` beside `completion`, and its program takes a model with `embedding` for one
    that cannot chat. A runtime that lists both still embeds.
    """
    gateway: Gateway = request.state.gateway
    payload = {"model": await gateway.catalogue.resolve(body.model), "verbose": bool(body.verbose)}
    shown = await gateway.inventory.ask("POST", "/api/show", payload)
    found = shown.get("capabilities") if isinstance(shown, dict) else None
    if isinstance(found, list) and "completion" in found:
        shown["capabilities"] = [capability for capability in found if capability != "embedding"]
    return _json(shown)


async def _content(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it arrives, without a limit: models are large.

    Raises:
        ClientLeftError: The client left before it had sent everything.
    """
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise errors.ClientLeftError("the client left") from None


def _json(content: Any) -> Response:
    return Response(encode(content), media_type="application/json")


@models.post("/api/pull", **_query(*CHANGE_ERRORS))
@models.post("/api/push", **_query(*CHANGE_ERRORS))
@models.post("/api/create", **_query(*CHANGE_ERRORS))
@models.post("/api/copy", **_query(*CHANGE_ERRORS))
@models.delete("/api/delete", **_query(*CHANGE_ERRORS))
@models.get("/api/blobs/{digest}", **_query(*CHANGE_ERRORS))
@models.post("/api/blobs/{digest}", **_query(*CHANGE_ERRORS))
async def change(request: Request) -> Response:
    """Change the runtime's models, if LLM_ALLOW_MODEL_CHANGES says that clients may."""
    gateway: Gateway = request.state.gateway
    path = request.url.path
    if not gateway.settings.allow_model_changes:
        raise errors.ModelChangeError(path)
    # The middleware turns HEAD into GET, and Ollama has only HEAD for blobs.
    method = "HEAD" if request.method == "GET" else request.method
    kept = {
        name: request.headers[name] for name in ("content-type", "content-length") if name in request.headers
    }
    content, pulls = _content(request), gateway.waiting.pulls
    if path == "/api/pull":
        pull = bytearray()
        response, body = await gateway.inventory.forward(method, path, kept, pulls.request(content, pull))
        body = pulls.response(body, bytes(pull))
    else:
        response, body = await gateway.inventory.forward(method, path, kept, content)
    headers = {"content-type": response.headers.get("content-type", NDJSON)}
    return StreamingResponse(body, response.status_code, headers)
