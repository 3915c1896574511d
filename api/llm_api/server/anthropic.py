"""The routes of Anthropic's API, so that its clients need only another address."""

from fastapi import APIRouter, Request, Response

from llm_api.dialects.anthropic import CountRequest, MessagesRequest
from llm_api.dialects.anthropic_errors import AnthropicErrorResponse
from llm_api.server.answer import SSE
from llm_api.server.generation import answer
from llm_api.server.routes import BoundedRoute, generates

router = APIRouter(route_class=BoundedRoute)


@router.post("/v1/messages", **generates(SSE, AnthropicErrorResponse))
async def messages(request: Request, body: MessagesRequest) -> Response:
    """Continue a conversation, as in Anthropic's API; with `stream`, as server-sent events."""
    return await answer(request, body)


@router.post("/v1/messages/count_tokens", **generates(shape=AnthropicErrorResponse))
async def count_tokens(request: Request, body: CountRequest) -> Response:
    """Count the tokens of a conversation, as in Anthropic's API, by having the runtime read it."""
    return await answer(request, body)
