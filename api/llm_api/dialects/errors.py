"""The shape of errors on each route: that of the route's API."""

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from llm_api.dialects.anthropic_errors import anthropic_body
from llm_api.errors import GatewayError


class ErrorDetail(BaseModel):
    """What went wrong."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorResponse(BaseModel):
    """The body of an error, in OpenAI's shape."""

    error: ErrorDetail


class OllamaErrorResponse(BaseModel):
    """The body of an error, in Ollama's shape."""

    error: str


def ollama_body(error: GatewayError) -> dict[str, Any]:
    """Return an error in Ollama's shape."""
    return {"error": error.message}


class HttpError(GatewayError):
    """One of Starlette's own errors, such as an unknown path."""

    def __init__(self, error: HTTPException) -> None:
        super().__init__(str(error.detail))
        self.status = error.status_code
        self.code = {404: "not_found", 405: "method_not_allowed"}.get(self.status, "invalid_request")
        self.type = "invalid_request_error" if self.status < 500 else "server_error"
        self._headers = dict(error.headers or {})

    def headers(self) -> dict[str, str]:
        return self._headers


ANTHROPIC_PATH = "/v1/messages"
# By the path's beginning, for APIs whose errors do not look like OpenAI's.
SHAPES: dict[str, Callable[[GatewayError], dict[str, Any]]] = {
    "/api/": ollama_body,
    ANTHROPIC_PATH: anthropic_body,
}


def error_response(error: GatewayError, path: str, request_id: str) -> Response:
    """Return the error as JSON, ASCII-escaped: a runtime's message may hold lone surrogates."""
    error.request_id = request_id
    shape = next((shape for prefix, shape in SHAPES.items() if path.startswith(prefix)), GatewayError.body)
    return Response(json.dumps(shape(error)), error.status, error.headers(), "application/json")


async def http_exception(request: Request, error: Exception) -> Response:
    """Give Starlette's own errors the shape of the route's API."""
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type
    return error_response(HttpError(error), request.scope["path"], request.state.record.id)
