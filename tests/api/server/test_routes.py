"""The route class accepts only endpoints that it can call, and refuses others when they are declared."""

from typing import Any

import pytest
from fastapi import APIRouter, HTTPException, Request, Response
from llm_api.dialects.generate import GenerateRequest
from llm_api.server.routes import BoundedRoute, paths, paths_with_body
from pydantic import BaseModel

from tests.api.support.in_process import Open


class Loose(BaseModel):
    prompt: str


async def more_parameters(request: Request, body: GenerateRequest, limit: int) -> Response:
    raise AssertionError


async def no_request(body: GenerateRequest) -> Response:
    raise AssertionError


async def other_order(body: GenerateRequest, request: Request) -> Response:
    raise AssertionError


async def coercing_body(request: Request, body: Loose) -> Response:
    raise AssertionError


@pytest.mark.parametrize("endpoint", [more_parameters, no_request, other_order, coercing_body])
def test_an_endpoint_with_other_parameters_is_refused(endpoint: Any) -> None:
    router = APIRouter(route_class=BoundedRoute)
    with pytest.raises(TypeError, match=f"^{endpoint.__name__}: its parameters must be "):
        router.post("/x")(endpoint)


def test_the_routes_with_a_body_are_those_that_declare_one() -> None:
    router = APIRouter(route_class=BoundedRoute)

    @router.get("/read")
    async def read(request: Request) -> Response:
        raise AssertionError

    @router.post("/write")
    async def write(request: Request, body: GenerateRequest) -> Response:
        raise AssertionError

    assert paths(router) == ("/read", "/write")
    assert paths_with_body(router) == ("/write",)


async def test_an_endpoint_that_reads_a_body_may_raise_an_http_exception(
    open_gateway: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(request: Request, body: GenerateRequest) -> Response:
        raise HTTPException(409, "not now", {"retry-after": "7"})

    monkeypatch.setattr("api.main.answer", refuse)
    gateway = await open_gateway()
    response = await gateway.http.post("/generate", json={"prompt": "Hello"})
    assert (response.status_code, response.headers["retry-after"]) == (409, "7")
    assert response.json()["error"]["message"] == "not now"
