"""Every error that the gateway reports.

A dialect may have a shape of its own for them (dialects/errors.py); others get OpenAI's,
{"error": {"message", "type", "param", "code"}}; https://platform.openai.com/docs/guides/error-codes
The docstrings of the classes are their descriptions in the OpenAPI document.
"""

from typing import Any, Literal

Outcome = Literal["ok", "error", "rejected", "timeout", "cancelled", "invalid"]


class GatewayError(Exception):
    """An error with a status, a code for programs and a message for people."""

    status: int = 500
    code: str = "internal_error"
    type: str = "server_error"
    outcome: Outcome = "error"  # the label of llm_requests_total
    request_id: str = ""  # known where the error is answered

    def __init__(self, message: str, *, param: str | None = None, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.message, self.param, self.retry_after = message, param, retry_after

    def body(self) -> dict[str, Any]:
        """Return it in OpenAI's shape."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def headers(self) -> dict[str, str]:
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


class ClientLeftError(GatewayError):
    """The client left before it had sent its request. Nobody reads this response."""

    status, code, outcome = 499, "client_left", "cancelled"


class InvalidRequestError(GatewayError):
    """The request is not valid."""

    status, code, type, outcome = 400, "invalid_value", "invalid_request_error", "invalid"


class UnprocessableError(InvalidRequestError):
    """A field has an invalid value."""

    status = 422


class UnsupportedError(InvalidRequestError):
    """The API has the field, the gateway does not."""

    code = "unsupported_parameter"


class CapabilityError(InvalidRequestError):
    """The model cannot do what the request needs."""

    code = "unsupported_by_model"

    def __init__(self, model: str, capability: str) -> None:
        what = {"vision": "images", "embedding": "embeddings"}.get(capability, capability)
        # Clients look for the words "does not support tools", and ask again without.
        super().__init__(f"{model!r} does not support {what}", param="model")


class ContextLengthError(InvalidRequestError):
    """The prompt is longer than the model's context."""

    code = "context_length_exceeded"


class TooLargeError(InvalidRequestError):
    """The body or the prompt is too large."""

    status, code = 413, "too_large"

    def headers(self) -> dict[str, str]:
        """Close the connection, because the rest of the body is not read."""
        return {"Connection": "close"}


class BodyTimeoutError(TooLargeError):
    """The body did not arrive in time."""

    status, code = 408, "body_timeout"


class AuthenticationError(InvalidRequestError):
    """The API key is missing or wrong."""

    status, code = 401, "invalid_api_key"

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer"}


class ModelChangeError(InvalidRequestError):
    """Clients may not change the runtime's models."""

    status, code = 403, "model_changes_not_allowed"

    def __init__(self, path: str) -> None:
        super().__init__(
            f"{path} is not available: the platform decides which models there are (LLM_ALLOW_MODEL_CHANGES)"
        )


class UnknownModelError(InvalidRequestError):
    """The runtime does not have the model."""

    status, code = 404, "model_not_found"

    def __init__(self, model: str) -> None:
        super().__init__(f"model {model!r} not found: GET /v1/models lists the models", param="model")


class KeyLimitError(GatewayError):
    """The API key has used up its requests per minute (see Retry-After)."""

    status, code, type, outcome = 429, "rate_limit_exceeded", "rate_limit_error", "rejected"


class QueueFullError(GatewayError):
    """The queue is full (see Retry-After)."""

    status, code, outcome = 503, "queue_full", "rejected"


class ShuttingDownError(GatewayError):
    """This replica is shutting down."""

    status, code = 503, "shutting_down"


class RuntimeUnavailableError(GatewayError):
    """The runtime cannot be reached."""

    status, code = 503, "runtime_unavailable"


class ModelMissingError(GatewayError):
    """The runtime does not have the gateway's default model."""

    status, code = 503, "model_missing"


class RuntimeBusyError(GatewayError):
    """The runtime accepts no more work."""

    status, code = 503, "runtime_busy"


class RuntimeLimitError(GatewayError):
    """The runtime accepts no more work from the gateway for now (see Retry-After)."""

    status, code, type = 429, "runtime_busy", "rate_limit_error"


class RuntimeFailedError(GatewayError):
    """The runtime failed, or its response was invalid or incomplete."""

    status, code = 502, "runtime_error"


class RuntimeLostError(RuntimeFailedError):
    """The connection to the runtime broke during the answer: it was killed, or the network failed."""

    code = "runtime_lost"


class ModelCrashedError(RuntimeFailedError):
    """The process in the runtime that runs the model ended; the next request starts it again."""

    code = "model_crashed"


class OutOfMemoryError(RuntimeFailedError):
    """The runtime has too little memory for the model or the request."""

    code = "out_of_memory"


class OutOfTimeError(GatewayError):
    """The deadline has passed, or the runtime took too long for a token."""

    status, code, outcome = 504, "timeout", "timeout"
