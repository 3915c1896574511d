"""Every error of /v1/messages has Anthropic's shape."""

from typing import Any

import pytest

from tests.api.support.anthropic import IMAGE, WEATHER, error_of, send
from tests.api.support.in_process import Open
from tests.api.support.requests import HELLO

PATH = "/v1/messages"


async def test_errors_before_the_body_is_valid_have_its_shape(open_gateway: Open) -> None:
    app = await open_gateway(max_body_bytes=200, api_keys="right")
    keyed = {"x-api-key": "right"}
    responses = [
        await app.http.post(PATH, json={}),
        await app.http.post(PATH, content=b"x" * 201, headers=keyed),
        await app.http.post(PATH, content=b"no JSON", headers=keyed),
        await app.http.post(PATH, json={"model": "none", "max_tokens": 1, "messages": HELLO}, headers=keyed),
        await app.http.get(PATH, headers=keyed),
        await app.http.get(f"{PATH}/batches", headers=keyed),
        await app.http.post(f"{PATH}/count_tokens", json={}, headers=keyed),
    ]
    assert [error_of(response)[:2] for response in responses] == [
        (401, "authentication_error"),
        (413, "request_too_large"),
        (400, "invalid_request_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (404, "not_found_error"),
        (400, "invalid_request_error"),
    ]


@pytest.mark.parametrize(
    ("answer", "status", "kind"),
    [
        (400, 400, "invalid_request_error"),
        (404, 404, "not_found_error"),
        (429, 429, "rate_limit_error"),
        (500, 502, "api_error"),
        (503, 503, "overloaded_error"),
    ],
)
async def test_each_failure_of_the_runtime_is_one_of_anthropics_errors(
    open_gateway: Open, answer: int, status: int, kind: str
) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(answer, json={"error": "no"})
    response = await send(app)
    assert error_of(response)[:2] == (status, kind)
    assert ("retry-after" in response.headers) == (status in (429, 503))


@pytest.mark.parametrize(
    ("needs", "problem"),
    [
        ({"tools": [WEATHER]}, "does not support tools"),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, "does not support images"),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, "does not support thinking"),
    ],
)
async def test_what_the_model_cannot_do_is_named(
    open_gateway: Open, needs: dict[str, Any], problem: str
) -> None:
    app = await open_gateway()
    app.runtime.post("/api/show").respond(json={"capabilities": ["completion"]})
    status, kind, message = error_of(await send(app, **needs))
    assert (status, kind) == (400, "invalid_request_error")
    assert problem in message


async def test_a_prompt_over_the_limit_is_too_large(open_gateway: Open) -> None:
    app = await open_gateway(max_prompt_chars=40)
    assert error_of(await send(app, system="x" * 41))[:2] == (413, "request_too_large")
    assert error_of(await send(app, tools=[WEATHER]))[:2] == (413, "request_too_large")
