"""Errors on OpenAI's routes have the statuses and codes that its clients know."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from llm_api.dialects.errors import SHAPES

from tests.api.support.errors import error_summary
from tests.api.support.in_process import MODEL, Open
from tests.api.support.live import admission_reaches
from tests.api.support.requests import CHAT_LINES, DONE, HELLO, chat, ndjson
from tests.waiting import within


async def test_models_are_listed_and_retrieved(open_gateway: Open) -> None:
    app = await open_gateway()
    entry = {"id": MODEL, "object": "model", "created": 1767323045, "owned_by": "llm-runtime"}
    assert (await app.http.get("/v1/models")).json() == {"object": "list", "data": [entry]}
    assert (await app.http.get(f"/v1/models/{MODEL}")).json() == entry


async def test_a_model_name_without_a_tag_means_latest(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.get("/api/tags").respond(json={"models": [{"name": "small:latest"}]})
    await app.gateway.catalogue.refresh()
    response = await app.http.get("/v1/models/small")
    assert response.json() == {
        "id": "small",
        "object": "model",
        "created": 0,
        "owned_by": "llm-runtime",
    }


async def test_an_unknown_model_is_not_found(open_gateway: Open) -> None:
    app = await open_gateway()
    for response in (await chat(app, model="none:1"), await app.http.get("/v1/models/no/such:1")):
        assert error_summary(response) == (404, "model_not_found", "model")


async def test_a_model_that_the_runtime_has_lost_is_not_found(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(404, json={"error": "model not found"})
    assert error_summary(await chat(app)) == (404, "model_not_found", "model")


async def test_a_missing_and_a_wrong_key_are_unauthorized(open_gateway: Open) -> None:
    app = await open_gateway(api_keys="right")
    wrong = httpx.Headers({"Authorization": "Bearer wrong"})
    for headers in (httpx.Headers(), wrong):
        response = await app.http.post("/v1/chat/completions", json={}, headers=headers)
        assert error_summary(response) == (401, "invalid_api_key", None)


async def test_a_key_over_its_limit_gets_429_with_retry_after(open_gateway: Open) -> None:
    app = await open_gateway(api_keys="right", key_requests_per_minute=1)
    app.http.headers["Authorization"] = "Bearer right"
    app.runtime.post("/api/chat").respond(json=CHAT_LINES[0] | DONE)
    assert (await chat(app)).status_code == 200
    response = await chat(app)
    assert error_summary(response) == (429, "rate_limit_exceeded", None)
    assert 1 <= int(response.headers["Retry-After"]) <= 61


async def test_a_full_queue_is_503_with_retry_after(open_gateway: Open) -> None:
    app = await open_gateway(max_running=1, max_waiting=0)
    release = asyncio.Event()

    async def hold(_: httpx.Request) -> httpx.Response:
        await within("the release of the request", release.wait())
        return httpx.Response(200, json=CHAT_LINES[0] | DONE)

    app.runtime.post("/api/chat").mock(side_effect=hold)
    first = asyncio.create_task(chat(app))
    await admission_reaches(app.gateway, running=1, waiting=0)
    response = await chat(app)
    assert error_summary(response) == (503, "queue_full", None)
    assert int(response.headers["Retry-After"]) >= 1
    release.set()
    assert (await first).status_code == 200


async def test_a_request_past_its_deadline_is_a_504(open_gateway: Open) -> None:
    app = await open_gateway(request_timeout_seconds=0.05)
    app.runtime.post("/api/chat").mock(side_effect=lambda _: asyncio.sleep(60))
    assert error_summary(await chat(app)) == (504, "timeout", None)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": "no chat template"}, (400, "invalid_value", None)),
        (500, {"error": "out of memory"}, (502, "out_of_memory", None)),
        (503, {"error": "server busy"}, (503, "runtime_busy", None)),
        (429, {"error": "too many requests"}, (429, "runtime_busy", None)),
        (
            400,
            {"error": "the input length exceeds the context length"},
            (400, "context_length_exceeded", None),
        ),
        (
            400,
            {"error": "request (31 tokens) exceeds the available context size (16 tokens)"},
            (400, "context_length_exceeded", None),
        ),
        (302, "elsewhere", (502, "runtime_error", None)),
        (200, {"error": "\ud800"}, (502, "runtime_error", None)),
    ],
)
async def test_each_error_of_the_runtime_has_its_status_and_code(
    open_gateway: Open, status: int, body: Any, expected: tuple[int, str, None]
) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(status, text=json.dumps(body))
    assert error_summary(await chat(app)) == expected


@pytest.mark.parametrize(
    ("status", "given", "sent"), [(429, "7", "7"), (503, "9", "9"), (429, "", "2"), (503, "Mon, 1 Jan", "2")]
)
async def test_a_busy_runtimes_retry_after_reaches_the_client(
    open_gateway: Open, status: int, given: str, sent: str
) -> None:
    app = await open_gateway()
    app.runtime.post("/api/chat").respond(status, json={"error": "busy"}, headers={"retry-after": given})
    response = await chat(app)
    assert (response.status_code, response.headers["Retry-After"]) == (status, sent)


async def test_an_error_during_a_stream_is_its_last_event(open_gateway: Open) -> None:
    app = await open_gateway()
    # Without its line break, the error is parsed after the first line has been sent.
    lines = ndjson(CHAT_LINES[0], {"error": "out of memory"}).rstrip("\n")
    app.runtime.post("/api/chat").respond(text=lines)
    response = await chat(app, stream=True)
    assert response.status_code == 200
    *_, last, rest = response.text.split("\n\n")
    assert rest == ""
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "out_of_memory"


async def test_an_api_with_a_shape_of_its_own_has_it_in_every_error(
    open_gateway: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SHAPES, "/v1/chat", lambda error: {"said": error.code})
    app = await open_gateway(max_body_bytes=200, api_keys="right")
    path = "/v1/chat/completions"
    keyed = {"Authorization": "Bearer right"}
    responses = [
        await app.http.post(path, json={}),
        await app.http.post(path, content=b"x" * 201, headers=keyed),
        await app.http.post(path, content=b"no JSON", headers=keyed),
        await app.http.post(path, json={"model": "none", "messages": HELLO}, headers=keyed),
        await app.http.get(path, headers=keyed),
        await app.http.get("/v1/chat/nothing", headers=keyed),
    ]
    assert [(response.status_code, response.json()) for response in responses] == [
        (401, {"said": "invalid_api_key"}),
        (413, {"said": "too_large"}),
        (400, {"said": "invalid_value"}),
        (404, {"said": "model_not_found"}),
        (405, {"said": "method_not_allowed"}),
        (404, {"said": "not_found"}),
    ]
    assert error_summary(await app.http.get("/v1/models")) == (401, "invalid_api_key", None)


async def test_unknown_paths_and_methods_get_errors_in_openais_shape(open_gateway: Open) -> None:
    app = await open_gateway()
    assert error_summary(await app.http.get("/v1/nothing")) == (404, "not_found", None)
    response = await app.http.get("/v1/chat/completions")
    assert error_summary(response) == (405, "method_not_allowed", None)
    assert response.headers["Allow"] == "POST"
