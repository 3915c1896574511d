"""The routes of OpenAI's API, so that its clients need only another address."""

from typing import Any

from fastapi import APIRouter, Request, Response

from llm_api import errors
from llm_api.dialects.openai_chat import ChatRequest
from llm_api.dialects.openai_completions import CompletionRequest
from llm_api.dialects.openai_embeddings import EmbeddingsRequest
from llm_api.dialects.openai_responses import ResponsesRequest
from llm_api.server.answer import SSE
from llm_api.server.generation import answer
from llm_api.server.routes import BoundedRoute, generates, responses

router = APIRouter(route_class=BoundedRoute)


@router.post("/v1/chat/completions", **generates(SSE))
async def chat(request: Request, body: ChatRequest) -> Response:
    """Continue a conversation, as in OpenAI's API; with `stream`, as server-sent events."""
    return await answer(request, body)


@router.post("/v1/responses", **generates(SSE))
async def respond(request: Request, body: ResponsesRequest) -> Response:
    """Continue a conversation, as in OpenAI's newer API, but without state; `stream` sends events."""
    return await answer(request, body)


@router.post("/v1/completions", **generates(SSE))
async def complete(request: Request, body: CompletionRequest) -> Response:
    """Continue a text, as in OpenAI's API; with `stream`, as server-sent events."""
    return await answer(request, body)


@router.post("/v1/embeddings", **generates())
async def embeddings(request: Request, body: EmbeddingsRequest) -> Response:
    """Embed texts, as in OpenAI's API."""
    return await answer(request, body)


@router.get("/v1/models", responses=responses(errors.AuthenticationError, errors.RuntimeUnavailableError))
async def models(request: Request) -> dict[str, Any]:
    """List the models, as in OpenAI's API; the default one comes first."""
    catalogue = request.state.gateway.catalogue
    catalogue.check_reachable()
    return {"object": "list", "data": catalogue.entries()}


@router.get(
    "/v1/models/{name:path}",
    responses=responses(errors.AuthenticationError, errors.UnknownModelError, errors.RuntimeUnavailableError),
)
async def model(request: Request, name: str) -> dict[str, Any]:
    """Describe one model, as in OpenAI's API."""
    catalogue = request.state.gateway.catalogue
    entry: dict[str, Any] = catalogue.entry(name, await catalogue.resolve(name))
    return entry
