"""Reading a request's body: bounded in bytes and in time, and checked."""

import asyncio
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from llm_api.errors import (
    BodyTimeoutError,
    ClientLeftError,
    InvalidRequestError,
    TooLargeError,
    UnprocessableError,
    explain,
)
from llm_api.phases import clock
from llm_api.settings import Settings

M = TypeVar("M", bound=BaseModel)


async def read(request: Request, kind: type[M], refusal: type[InvalidRequestError] = UnprocessableError) -> M:
    """Return the body as `kind`, whatever content type it claims; the request has arrived then.

    Raises InvalidRequestError: `refusal` for a wrong value, and 400, 408 and 413.
    """
    content = await _content(request, request.state.gateway.settings)
    request.state.trace.phases.arrived = clock()
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        raise explain(error, refusal) from None


async def _content(request: Request, settings: Settings) -> bytes:
    """Count the bytes that come: a Content-Length may be missing, or lie."""
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
        raise BodyTimeoutError(f"the body did not come within {settings.body_timeout_seconds:g} s") from None
    except ClientDisconnect:
        raise ClientLeftError("the client left") from None
    return b"".join(chunks)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"the body is larger than {limit} bytes")
