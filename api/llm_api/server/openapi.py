"""The OpenAPI document of routes that read their body themselves."""

from collections.abc import Callable, Coroutine
from typing import Any, cast

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from llm_api.dialects.generate import ErrorResponse

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
TEMPLATE = "#/components/schemas/{model}"
ERRORS = {
    400: "The body is not JSON, or asks for what cannot be.",
    401: "No API key, or a wrong one.",
    404: "The runtime does not have the model.",
    408: "The body did not come in time.",
    413: "The body or the prompt is too large.",
    422: "A field has a wrong value.",
    429: "The API key's requests of this minute are used up (Retry-After).",
    502: "The runtime failed.",
    503: "The queue is full, or the runtime is away or busy (Retry-After).",
    504: "The deadline has passed.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route that can fail so."""
    return {status: {"model": ErrorResponse, "description": ERRORS[status]} for status in statuses}


def answer(media_type: str, **json: Any) -> dict[int | str, dict[str, Any]]:
    """Return the 200 of a route that answers with this media type, beside JSON where a `model` is given."""
    return {200: {"content": {media_type: {}}, **json}}


def body(model: type[BaseModel]) -> dict[str, Any]:
    """Return `openapi_extra` for a route that reads this model."""
    reference = {"$ref": TEMPLATE.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}}


class DirectRoute(APIRoute):
    """A route whose endpoint takes the request and gives the response: FastAPI documents it, no more."""

    def get_route_handler(self) -> Endpoint:
        """Leave out FastAPI's dependencies, of which there are none, and their cost."""
        return cast(Endpoint, self.endpoint)


def post(app: FastAPI, path: str, **documented: Any) -> Callable[[Endpoint], Endpoint]:
    """Return the decorator of a direct route, as `app.post` is one of FastAPI's own."""

    def register(endpoint: Endpoint) -> Endpoint:
        app.router.add_api_route(
            path, endpoint, methods=["POST"], route_class_override=DirectRoute, **documented
        )
        return endpoint

    return register


def document(app: FastAPI, *bodies: type[BaseModel]) -> dict[str, Any]:
    """Return the document with the schemas of these bodies, made once."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        _, extra = models_json_schema([(model, "validation") for model in bodies], ref_template=TEMPLATE)
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(extra["$defs"])
        # FastAPI's own shape of a 422, which no route answers with.
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        for operation in (operation for path in schema["paths"].values() for operation in path.values()):
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
        app.openapi_schema = schema
    return app.openapi_schema
