"""Every failure that the gateway knows, and its one JSON shape, which is OpenAI's.

{"error": {"message", "type", "param", "code"}}; https://platform.openai.com/docs/guides/error-codes
"""

import json
from typing import Any, ClassVar, Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

# Pydantic takes seconds to tell all that is wrong with a hostile body, and the loop would wait for it.
MOST_EXPLAINED = 100
# What pydantic puts at the end of a place, where a text or a list of texts may be.
TEXTS = ("str", "constrained-str")

Outcome = Literal["ok", "error", "rejected", "timeout", "cancelled", "invalid"]


class GatewayError(Exception):
    """A failure with a status, a code for programs and a message for people."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    type: ClassVar[str] = "server_error"
    outcome: ClassVar[Outcome] = "error"  # the label of llm_requests_total

    def __init__(self, message: str, *, param: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message, self.param, self.retry_after = message, param, retry_after

    def body(self) -> dict[str, Any]:
        """Return the JSON shape."""
        return shape(self.message, self.type, self.code, self.param)

    def headers(self) -> dict[str, str]:
        """Return the headers that go with the status."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class ClientLeftError(GatewayError):
    """The client left before it had sent its request; nobody reads the answer."""

    status, code, outcome = 499, "client_left", "cancelled"


class InvalidRequestError(GatewayError):
    """The client asked for what cannot be."""

    status, code, type, outcome = 400, "invalid_value", "invalid_request_error", "invalid"


class UnprocessableError(InvalidRequestError):
    """A field has a wrong value."""

    status = 422


class TooLargeError(InvalidRequestError):
    """The prompt or the body is over its limit."""

    status, code = 413, "too_large"

    def headers(self) -> dict[str, str]:
        """End the connection: the rest of the body is not wanted."""
        return {"Connection": "close"}


class BodyTimeoutError(TooLargeError):
    """The client did not send its body in time."""

    status, code = 408, "body_timeout"


class AuthenticationError(InvalidRequestError):
    """No API key, or a wrong one."""

    status, code = 401, "invalid_api_key"

    def headers(self) -> dict[str, str]:
        """Say how to authenticate."""
        return {"WWW-Authenticate": "Bearer"}


class UnknownModelError(InvalidRequestError):
    """The runtime does not have this model."""

    status, code = 404, "model_not_found"

    def __init__(self, model: str) -> None:
        super().__init__(f"model {model!r} not found: GET /v1/models lists what there is", param="model")


class KeyLimitError(GatewayError):
    """This API key made its requests of the minute."""

    status, code, type, outcome = 429, "rate_limit_exceeded", "rate_limit_error", "rejected"


class QueueFullError(GatewayError):
    """As many requests wait as may."""

    status, code, outcome = 503, "queue_full", "rejected"


class ShuttingDownError(GatewayError):
    """This replica is about to stop."""

    status, code = 503, "shutting_down"


class RuntimeUnavailableError(GatewayError):
    """Nobody answers at the runtime's address."""

    status, code = 503, "runtime_unavailable"


class ModelMissingError(GatewayError):
    """The runtime answers, but does not list the model of LLM_MODEL."""

    status, code = 503, "model_missing"


class RuntimeBusyError(GatewayError):
    """The runtime refuses more work."""

    status, code = 503, "runtime_busy"


class RuntimeFailedError(GatewayError):
    """The runtime answered with an error, with nonsense, or stopped in the middle."""

    status, code = 502, "runtime_error"


class OutOfTimeError(GatewayError):
    """The deadline, or the limit to the first or between two tokens, has passed."""

    status, code, outcome = 504, "timeout", "timeout"


def shape(message: str, kind: str, code: str, param: str | None = None) -> dict[str, Any]:
    """Return OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def response(error: GatewayError) -> Response:
    """Return the answer that tells of it, in ASCII: a runtime's words may have what UTF-8 has not."""
    return Response(json.dumps(error.body()), error.status, error.headers(), "application/json")


def explain(error: ValidationError, refusal: type[InvalidRequestError]) -> InvalidRequestError:
    """Return the first thing wrong with a body, by its place; 400 where it is no JSON at all."""
    if error.error_count() > MOST_EXPLAINED:
        return refusal(f"body: {error.error_count()} values are wrong")
    first, loc = _nearest(error.errors(include_url=False, include_input=False, include_context=False))
    if first["type"] == "json_invalid":
        return InvalidRequestError(f"the body is not JSON: {first['msg'].removeprefix('Invalid JSON: ')}")
    param = ".".join(str(part)[:64] for part in loc)
    message = "unknown field" if first["type"] == "extra_forbidden" else first["msg"]
    return refusal(f"{param or 'body'}: {message}", param=param or None)


def _nearest(errors: list[ErrorDetails]) -> tuple[ErrorDetails, tuple[int | str, ...]]:
    """The first error and its place; for a text or a list of them, of the one that it nearly was."""
    first, loc = errors[0], errors[0]["loc"]
    if not loc or loc[-1] not in TEXTS or first["type"] == "extra_forbidden":
        return first, loc
    field, depth = loc[:-1], len(loc)
    nearest = max((e for e in errors if e["loc"][: depth - 1] == field), key=lambda e: len(e["loc"]))
    return nearest, field + nearest["loc"][depth:]


def install(app: FastAPI) -> None:
    """Map exceptions to answers; what no route can raise knowingly is the middleware's."""
    app.add_exception_handler(GatewayError, _gateway_error)
    app.add_exception_handler(HTTPException, _http_exception)


async def _gateway_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)  # noqa: S101 - narrows the type
    request.state.trace.failed(error)
    return response(error)


async def _http_exception(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - narrows the type
    kind = "invalid_request_error" if error.status_code < 500 else "server_error"
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "invalid_request")
    return JSONResponse(shape(str(error.detail), kind, code), error.status_code, error.headers)
