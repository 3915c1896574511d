"""OpenAI's routes when something is wrong: the statuses and codes that its clients know."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.api.conftest import MODEL, Open, until
from tests.api.dialects.test_openai_chat import DONE, LINES, ask, failed


async def test_the_models_are_listed_and_told_of(open_gateway: Open) -> None:
    opened = await open_gateway()
    entry = {"id": MODEL, "object": "model", "created": 1767323045, "owned_by": "llm-runtime"}
    assert (await opened.http.get("/v1/models")).json() == {"object": "list", "data": [entry]}
    assert (await opened.http.get(f"/v1/models/{MODEL}")).json() == entry


async def test_a_model_without_a_tag_is_its_latest(open_gateway: Open) -> None:
    opened = await open_gateway()
    opened.runtime.get("/api/tags").respond(json={"models": [{"name": "small:latest"}]})
    await opened.gateway.catalogue.refresh()
    answer = await opened.http.get("/v1/models/small")
    assert answer.json() == {
        "id": "small:latest",
        "object": "model",
        "created": 0,
        "owned_by": "llm-runtime",
    }


async def test_an_unknown_model_is_not_found(open_gateway: Open) -> None:
    opened = await open_gateway()
    for answer in (await ask(opened, model="none:1"), await opened.http.get("/v1/models/no/such:1")):
        assert failed(answer) == (404, "model_not_found", "model")


async def test_a_model_that_the_runtime_lost_is_not_found(open_gateway: Open) -> None:
    opened = await open_gateway()
    opened.runtime.post("/api/chat").respond(404, json={"error": "model not found"})
    assert failed(await ask(opened)) == (404, "model_not_found", "model")


async def test_no_key_and_a_wrong_key_are_unauthorized(open_gateway: Open) -> None:
    opened = await open_gateway(api_keys="right")
    wrong = httpx.Headers({"Authorization": "Bearer wrong"})
    for headers in (httpx.Headers(), wrong):
        answer = await opened.http.post("/v1/chat/completions", json={}, headers=headers)
        assert failed(answer) == (401, "invalid_api_key", None)


async def test_a_key_over_its_limit_is_told_when_to_come_back(open_gateway: Open) -> None:
    opened = await open_gateway(api_keys="right", key_requests_per_minute=1)
    opened.http.headers["Authorization"] = "Bearer right"
    opened.runtime.post("/api/chat").respond(json=LINES[0] | DONE)
    assert (await ask(opened)).status_code == 200
    answer = await ask(opened)
    assert failed(answer) == (429, "rate_limit_exceeded", None)
    assert 1 <= int(answer.headers["Retry-After"]) <= 61


async def test_a_full_queue_is_unavailable_and_says_for_how_long(open_gateway: Open) -> None:
    opened = await open_gateway(max_running=1, max_waiting=0)
    release = asyncio.Event()

    async def hold(_: httpx.Request) -> httpx.Response:
        await release.wait()
        return httpx.Response(200, json=LINES[0] | DONE)

    opened.runtime.post("/api/chat").mock(side_effect=hold)
    first = asyncio.create_task(ask(opened))
    await until(lambda: opened.gateway.admission.running == 1)
    answer = await ask(opened)
    assert failed(answer) == (503, "queue_full", None)
    assert int(answer.headers["Retry-After"]) >= 1
    release.set()
    assert (await first).status_code == 200


async def test_a_request_out_of_time_is_a_504(open_gateway: Open) -> None:
    opened = await open_gateway(request_timeout_seconds=0.05)
    opened.runtime.post("/api/chat").mock(side_effect=lambda _: asyncio.sleep(60))
    assert failed(await ask(opened)) == (504, "timeout", None)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, {"error": "no chat template"}, (400, "invalid_value", None)),
        (500, {"error": "out of memory"}, (502, "runtime_error", None)),
        (503, {"error": "server busy"}, (503, "runtime_busy", None)),
        (302, "elsewhere", (502, "runtime_error", None)),
        (200, {"error": "\ud800"}, (502, "runtime_error", None)),
    ],
)
async def test_the_runtimes_refusals_have_a_status_of_their_own(
    open_gateway: Open, status: int, body: Any, expected: tuple[int, str, None]
) -> None:
    opened = await open_gateway()
    opened.runtime.post("/api/chat").respond(status, text=json.dumps(body))
    assert failed(await ask(opened)) == expected


async def test_an_error_within_a_stream_is_its_last_event(open_gateway: Open) -> None:
    opened = await open_gateway()
    lines = [LINES[0], {"error": "out of memory"}]
    opened.runtime.post("/api/chat").respond(text="\n".join(map(json.dumps, lines)))
    answer = await ask(opened, stream=True)
    assert answer.status_code == 200
    *_, last, rest = answer.text.split("\n\n")
    assert rest == ""
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "runtime_error"


async def test_what_is_not_there_has_openais_shape_too(open_gateway: Open) -> None:
    opened = await open_gateway()
    assert failed(await opened.http.get("/v1/nothing")) == (404, "not_found", None)
    answer = await opened.http.get("/v1/chat/completions")
    assert failed(answer) == (405, "method_not_allowed", None)
    assert answer.headers["Allow"] == "POST"
