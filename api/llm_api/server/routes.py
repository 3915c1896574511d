"""Routes that read their JSON body within bounds, and their part of the OpenAPI document."""

import inspect
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.types import ASGIApp, Receive, Scope, Send

from llm_api import errors
from llm_api.dialects.errors import ErrorResponse
from llm_api.dialects.fields import Strict
from llm_api.errors import GatewayError
from llm_api.record import RequestRecord
from llm_api.server.body import read

# What a route that generates may answer with, beside its dialect's own error for an invalid value.
GENERATION_ERRORS: tuple[type[GatewayError], ...] = (
    errors.InvalidRequestError,
    errors.AuthenticationError,
    errors.UnknownModelError,
    errors.BodyTimeoutError,
    errors.TooLargeError,
    errors.KeyLimitError,
    errors.RuntimeFailedError,
    errors.QueueFullError,
    errors.RuntimeUnavailableError,
    errors.RuntimeBusyError,
    errors.RuntimeLimitError,
    errors.ShuttingDownError,
    errors.OutOfTimeError,
)


class BoundedRoute(APIRoute):
    """Serves `async def endpoint(request: Request, body: Model)`; a route without a body is FastAPI's own.

    FastAPI's body parsing has no time limit and takes 35 us more per request. A route class is its documented
    way to replace it: https://fastapi.tiangolo.com/how-to/custom-request-and-route/
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if self.body_field is not None:
            self.app = self._serve(self.get_route_handler())

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the function that reads the body and calls the endpoint.

        Raises:
            TypeError: The endpoint has other parameters, which nothing here would fill in, or its body is not
                a `Strict` model.
        """
        if self.body_field is None:
            return super().get_route_handler()
        endpoint, model = self.endpoint, self.body_field.field_info.annotation
        parameters = tuple(inspect.signature(endpoint).parameters)
        expected = (self.dependant.request_param_name, self.body_field.name)
        if parameters != expected or not (isinstance(model, type) and issubclass(model, Strict)):
            raise TypeError(f"{self.name}: its parameters must be `request: Request` and a `Strict` body")

        async def handle(request: Request) -> Response:
            state = request.scope["state"]  # what request.state has, without its cost
            record: RequestRecord = state["record"]
            body = await read(request, model, state["gateway"].settings)
            record.arrived, record.ignored = body.arrived, body.ignored
            response: Response = await endpoint(request, body.content)
            return response

        return handle

    def _serve(self, handle: Callable[[Request], Coroutine[Any, Any, Response]]) -> ASGIApp:
        """Return the route as an app, without Starlette's layers; the middleware answers errors."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            response = await handle(Request(scope, receive, send))
            await response(scope, receive, send)

        return serve


class App(FastAPI):
    """FastAPI that passes requests to routes that read a body through the app's own middleware alone.

    FastAPI looks for a route among all of them, and wraps it in layers for dependencies, handlers of
    exceptions and telemetry, which these routes do not use: over an eighth of the CPU time of a call.

    Args:
        direct: The routers with these routes.
        options: FastAPI's.
    """

    def __init__(self, *, direct: Sequence[APIRouter], **options: Any) -> None:
        super().__init__(**options)
        self._direct = {
            (method, route.path): self._in_middleware(route.app)
            for router in direct
            for route in _with_body(router)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self._direct.get((scope.get("method", ""), scope.get("path", "")))
        await (direct or super().__call__)(scope, receive, send)

    def _in_middleware(self, app: ASGIApp) -> ASGIApp:
        for middleware, args, options in reversed(self.user_middleware):
            app = middleware(app, *args, **options)
        return app

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI document without the 422 that FastAPI adds to every operation that has input.

        The routes themselves say which statuses they answer with.
        """
        document = super().openapi()
        for operation in (one for path in document["paths"].values() for one in path.values()):
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                del operation["responses"]["422"]
        for name in ("HTTPValidationError", "ValidationError"):
            document["components"]["schemas"].pop(name, None)
        return document


def paths(router: APIRouter) -> tuple[str, ...]:
    """Return the paths of a router's routes."""
    return tuple(route.path for route in router.routes if isinstance(route, APIRoute))


def paths_with_body(router: APIRouter) -> tuple[str, ...]:
    """Return the paths of the routes that read a body: those that generate."""
    return tuple(route.path for route in _with_body(router))


def _with_body(router: APIRouter) -> list[APIRoute]:
    return [route for route in router.routes if isinstance(route, APIRoute) and route.body_field]


def responses(
    *raised: type[GatewayError], stream: str = "", shape: type[BaseModel] = ErrorResponse
) -> dict[int | str, dict[str, Any]]:
    """Return `responses` for a route: its errors, their shape, and the media type of its streams.

    Errors that share a status share its entry; their docstrings are its description.
    """
    documented: dict[int | str, dict[str, Any]] = {}
    for error in raised:
        entry = documented.setdefault(error.status, {"model": shape, "description": ""})
        entry["description"] = f"{entry['description']} {inspect.getdoc(error)}".strip()
    return documented | ({200: {"content": {stream: {}}}} if stream else {})


def generates(stream: str = "", shape: type[BaseModel] = ErrorResponse) -> dict[str, Any]:
    """Return the options of a route that generates, in an API whose own documents describe the answer."""
    return {
        "response_model": dict[str, Any],
        "responses": responses(*GENERATION_ERRORS, stream=stream, shape=shape),
    }
