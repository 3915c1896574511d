"""Errors of Anthropic's API: https://platform.claude.com/docs/en/api/errors."""

from typing import Any, Literal

from pydantic import BaseModel

from llm_api.errors import GatewayError

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class AnthropicError(BaseModel):
    """What went wrong."""

    type: str
    message: str


class AnthropicErrorResponse(BaseModel):
    """The body of an error, in Anthropic's shape."""

    type: Literal["error"]
    error: AnthropicError
    request_id: str


def anthropic_body(error: GatewayError) -> dict[str, Any]:
    """Return what `AnthropicErrorResponse` documents.

    Statuses stay as they are: Anthropic's own 529 for "overloaded" is unknown to proxies, and its clients
    retry after a 503 alike.
    """
    kind = TYPES.get(error.status, "invalid_request_error" if error.status < 500 else "api_error")
    return {
        "type": "error",
        "error": {"type": kind, "message": error.message},
        "request_id": error.request_id,
    }
