"""Answers requests for which there is no route: with what there is."""

from difflib import get_close_matches

from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from llm_api.dialects.errors import http_exception


async def unknown_path(request: Request, _: Exception) -> Response:
    """Answer 404 with the closest path, or with all of them."""
    routes = [route for route in request.app.routes if isinstance(route, APIRoute)]
    paths = sorted({route.path for route in routes if route.include_in_schema})
    path = request.scope["path"][:200]
    close = get_close_matches(path, paths, 1)
    there_is = f"did you mean {close[0]}?" if close else f"the paths are {', '.join(paths)};"
    problem = f"there is nothing at {path}: {there_is} GET /docs describes them"
    return await http_exception(request, HTTPException(404, problem))


async def wrong_method(request: Request, _: Exception) -> Response:
    """Answer 405 with the methods that the path takes."""
    matching = (
        route
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is Match.PARTIAL
    )
    methods = {method for route in matching for method in route.methods or ()}
    allowed = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
    problem = f"{request.scope['path'][:200]} takes {allowed}, not {request.method}"
    return await http_exception(request, HTTPException(405, problem, {"Allow": allowed}))
