"""A runtime that is away, or does not have the model: what clients and /ready are told."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from llm_api.settings import Settings

from api.main import create_app
from tests.api.conftest import MODEL, RUNTIME, TAGS, InProcess, Open, with_state
from tests.api.support.asking import error_of, generate

ANSWER = {"response": "Hello", "done": True, "eval_count": 1}


def gauge(opened: InProcess, name: str, **labels: str) -> float | None:
    return opened.gateway.metrics.registry.get_sample_value(name, labels)


async def test_a_name_that_nobody_knows_is_a_runtime_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    settings = Settings(runtime_url=RUNTIME, model=MODEL, runtime_balance="dns", models_interval_seconds=60)
    app = create_app(settings, transport=httpx.MockTransport(lambda _: httpx.Response(200, json=TAGS)))
    async with (
        app.router.lifespan_context(app) as state,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(with_state(app, state or {})), base_url="http://gateway.test"
        ) as http,
    ):
        for answer in (
            await http.post("/generate", json={"prompt": "Hello"}),
            await http.get("/ready"),
            await http.get("/v1/models"),
        ):
            error_of(answer, 503, "runtime_unavailable")
            assert int(answer.headers["retry-after"]) >= 1


async def test_a_gateway_that_starts_before_its_runtime_gets_ready_with_it() -> None:
    up = False

    def handler(request: httpx.Request) -> httpx.Response:
        if not up:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=TAGS if request.url.path == "/api/tags" else ANSWER)

    settings = Settings(runtime_url=RUNTIME, model=MODEL, models_interval_seconds=0.01)
    app = create_app(settings, transport=httpx.MockTransport(handler))
    async with (
        app.router.lifespan_context(app) as state,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(with_state(app, state or {})), base_url="http://gateway.test"
        ) as http,
    ):
        for path in ("/ready", "/v1/models"):
            answer = await http.get(path)
            error_of(answer, 503, "runtime_unavailable")
            assert int(answer.headers["retry-after"]) >= 1
        error_of(await http.post("/generate", json={"prompt": "Hello"}), 503, "runtime_unavailable")
        assert (await http.get("/health")).status_code == 200
        up = True
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.01)
        assert (await http.post("/generate", json={"prompt": "Hello"})).json()["response"] == "Hello"


async def test_readiness_and_its_gauges_follow_the_runtime_away_and_back(open_gateway: Open) -> None:
    opened = await open_gateway(models_interval_seconds=0.01)
    tags = opened.runtime.get("/api/tags")

    async def turns(status: int) -> httpx.Response:
        while (answer := await opened.http.get("/ready")).status_code != status:
            await asyncio.sleep(0.01)
        return answer

    def gauges() -> tuple[float | None, float | None]:
        return gauge(opened, "llm_runtime_up"), gauge(opened, "llm_model_available", model=MODEL)

    assert (await turns(200)).json() == {"status": "ready", "model": MODEL}
    assert gauges() == (1, 1)
    tags.mock(side_effect=httpx.ConnectError("refused"))
    error_of(await turns(503), 503, "runtime_unavailable")
    assert gauges() == (0, 0)
    tags.mock(side_effect=None, return_value=httpx.Response(200, json={"models": [{"name": "other:1"}]}))
    while json.loads((missing := await turns(503)).content)["error"]["code"] != "model_missing":
        await asyncio.sleep(0.01)
    message = error_of(missing, 503, "model_missing")["message"]
    assert message == f"the runtime does not have the model {MODEL}; it has: other:1"
    assert gauges() == (1, 0)
    error_of(await generate(opened), 404, "model_not_found")
    tags.mock(return_value=httpx.Response(200, json=TAGS))
    await turns(200)
    assert gauges() == (1, 1)


@pytest.mark.parametrize("said", [b"nonsense", b"[]", b'{"models":5}', b'{"models":[5]}', b"[" * 100_000])
async def test_a_list_of_models_that_makes_no_sense_is_a_runtime_that_is_away(
    open_gateway: Open, said: bytes
) -> None:
    opened = await open_gateway()
    opened.runtime.get("/api/tags").respond(content=said)
    await opened.gateway.catalogue.refresh()
    error_of(await opened.http.get("/ready"), 503, "runtime_unavailable")
    assert gauge(opened, "llm_runtime_up") == 0
