"""Reads and validates a request's JSON body, bounded in size and in time."""

import asyncio
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from starlette.requests import ClientDisconnect, Request

from llm_api.dialects.fields import Strict
from llm_api.errors import BodyTimeoutError, ClientLeftError, InvalidRequestError, TooLargeError
from llm_api.record import clock
from llm_api.settings import Settings

M = TypeVar("M", bound=Strict)

# Pydantic takes seconds to report every error of a hostile body, and would block the event loop meanwhile.
MAX_EXPLAINED = 100
# Suffixes of pydantic's `loc` for a `str | list[str]` field.
TEXT_BRANCHES = ("str", "constrained-str")


async def read(request: Request, model: type[M], settings: Settings) -> tuple[M, float]:
    """Return the body, and when all of it had arrived (on `clock`). The content type does not matter.

    Raises:
        InvalidRequestError: 400 if the body is not JSON, 408 if it is late, 413 if it is too large, and
            `model.invalid_value` if a field is wrong.
        ClientLeftError: The client left before it had sent everything.
    """
    content = await _content(request, settings)
    arrived = clock()
    try:
        return model.model_validate_json(content), arrived
    except ValidationError as error:
        raise explain(error, model.invalid_value) from None


async def _content(request: Request, settings: Settings) -> bytes:
    """Count the bytes as they arrive: a Content-Length may be missing or wrong."""
    limit = settings.max_body_bytes
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 15 or int(declared) > limit):
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_timeout_seconds):
            async for chunk in request.stream():
                chunks.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise BodyTimeoutError(
            f"the body did not arrive within {settings.body_timeout_seconds:g} s"
        ) from None
    except ClientDisconnect:
        raise ClientLeftError("the client left") from None
    return b"".join(chunks)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"the body is larger than {limit} bytes")


def explain(error: ValidationError, kind: type[InvalidRequestError]) -> InvalidRequestError:
    """Return the first error of a body as a `kind` that names its field; a 400 if the body is not JSON."""
    if error.error_count() > MAX_EXPLAINED:
        return kind(f"body: {error.error_count()} values are invalid")
    first, loc = _closest(error.errors(include_url=False, include_input=False, include_context=False))
    if first["type"] == "json_invalid":
        return InvalidRequestError(f"the body is not JSON: {first['msg'].removeprefix('Invalid JSON: ')}")
    param = ".".join(str(part)[:64] for part in loc)
    message = "unknown field" if first["type"] == "extra_forbidden" else first["msg"]
    return kind(f"{param or 'body'}: {message}", param=param or None)


def _closest(errors: list[ErrorDetails]) -> tuple[ErrorDetails, tuple[int | str, ...]]:
    """Return the first error and its `loc`; for a union, that of the branch that matched furthest."""
    first, loc = errors[0], errors[0]["loc"]
    if not loc or loc[-1] not in TEXT_BRANCHES or first["type"] == "extra_forbidden":
        return first, loc
    field, depth = loc[:-1], len(loc)
    closest = max((e for e in errors if e["loc"][: depth - 1] == field), key=lambda e: len(e["loc"]))
    return closest, field + closest["loc"][depth:]
