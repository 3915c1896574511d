"""Reads and validates a request's JSON body, bounded in size and in time."""

import asyncio
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, from_json
from starlette.requests import Request

from llm_api.dialects.decisions import ignored_fields
from llm_api.dialects.fields import Strict
from llm_api.errors import (
    BodyTimeoutError,
    ClientLeftError,
    InvalidRequestError,
    TooLargeError,
    UnsupportedError,
)
from llm_api.record import clock
from llm_api.server.connection import arrived_body
from llm_api.settings import Settings

M = TypeVar("M", bound=Strict)
Path = tuple[int | str, ...]

# Pydantic takes seconds to report every error of a hostile body, and would block the event loop meanwhile.
MAX_EXPLAINED = 100


@dataclass(slots=True)
class Body(Generic[M]):
    """A valid body.

    Attributes:
        content: Its model.
        arrived: When all of it had arrived, on `clock`.
        ignored: Paths of the fields that its API does not document.
    """

    content: M
    arrived: float
    ignored: tuple[str, ...] = ()


async def read(request: Request, model: type[M], settings: Settings) -> Body[M]:
    """Return the body. The content type does not matter.

    Raises:
        InvalidRequestError: 400 if the body is not JSON, 408 if it is late, 413 if it is too large, and
            `model.invalid_value` if a field is wrong.
        ClientLeftError: The client left before it had sent everything.
    """
    content = await _content(request, settings)
    arrived = clock()
    undocumented: list[str] = []
    try:
        valid = model.model_validate_json(content, context=undocumented)
    except ValidationError as error:
        raise explain(error, content, model.invalid_value) from None
    if not undocumented:
        return Body(valid, arrived)
    return Body(valid, arrived, tuple(dict.fromkeys(ignored_fields(valid))))


async def _content(request: Request, settings: Settings) -> bytes:
    """Receive the body."""
    limit = settings.max_body_bytes
    declared = dict(request.scope["headers"]).get(b"content-length", b"")
    if declared.isdigit() and (len(declared) > 15 or int(declared) > limit):
        raise _too_large(limit)
    content = arrived_body(request.scope)
    if content is None:
        try:
            async with asyncio.timeout(settings.body_timeout_seconds):
                return await _received(request, limit)
        except TimeoutError:
            raise BodyTimeoutError(
                f"the body did not arrive within {settings.body_timeout_seconds:g} s"
            ) from None
    if len(content) > limit:
        raise _too_large(limit)
    return content


async def _received(request: Request, limit: int) -> bytes:
    """Count the bytes as they arrive: a Content-Length may be missing or wrong."""
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError("the client left")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
    return b"".join(chunks)


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(f"the body is larger than {limit} bytes")


def explain(error: ValidationError, content: bytes, kind: type[InvalidRequestError]) -> InvalidRequestError:
    """Return the first error of a body as a `kind` that names its field; a 400 if the body is not JSON."""
    if error.error_count() > MAX_EXPLAINED:
        return kind(f"body: {error.error_count()} values are invalid")
    errors = error.errors(include_url=False, include_input=False)
    if errors[0]["type"] == "json_invalid":
        return InvalidRequestError(f"the body is not JSON: {errors[0]['msg'].removeprefix('Invalid JSON: ')}")
    first, path = _closest(errors, from_json(content))
    context, message = first.get("ctx", {}), first["msg"].removeprefix("Value error, ")
    if first["type"] == "unsupported":
        path, kind = (*path, *filter(None, [context["field"]])), UnsupportedError
    elif first["type"].startswith("union_tag_"):
        path, message = (*path, context["discriminator"].strip("'")), _tag_problem(context)
    elif first["type"] == "extra_forbidden":
        message = "unknown field"
    param = ".".join(str(part)[:64] for part in path)
    return kind(f"{param or 'body'}: {message}", param=param or None)


def _tag_problem(context: dict[str, Any]) -> str:
    return f"must be one of {context['expected_tags']}" if "expected_tags" in context else "is missing"


def _closest(errors: list[ErrorDetails], body: Any) -> tuple[ErrorDetails, Path]:
    """Return the first error and the path of its field; for a union, of the branch that matched furthest."""
    paths = [_path(error, body) for error in errors]
    path, union = paths[0]
    if union is None:
        return errors[0], path
    related = [
        (error, path) for error, (path, _) in zip(errors, paths, strict=True) if path[: len(union)] == union
    ]
    return max(related, key=lambda one: (one[0]["type"] == "unsupported", len(one[1])))


def _path(error: ErrorDetails, body: Any) -> tuple[Path, Path | None]:
    """Return where an error is in the body, and where the first union on the way there is.

    Pydantic's `loc` also names the branches of unions, which are not in the body.
    """
    path: Path = ()
    union: Path | None = None
    loc = error["loc"]
    if loc[-1:] == (error.get("ctx", {}).get("branch"),):
        loc = loc[:-1]  # the branch, which may have the name of a field
    for part in loc:
        inside = part in body if isinstance(body, dict) else isinstance(part, int) and isinstance(body, list)
        if inside:
            body, path = body[part], (*path, part)
        elif union is None:
            union = path
    missing = error["type"] == "missing"
    return ((*path, error["loc"][-1]), None if union == path else union) if missing else (path, union)
