"""What clients and /ready get while the runtime is unavailable or does not have the model."""

from typing import Any

import httpx
import pytest

from tests.api.support.errors import error_of
from tests.api.support.in_process import MODEL, TAGS, Open, started
from tests.api.support.requests import generate
from tests.waiting import until

ANSWER = {"response": "Hello", "done": True, "eval_count": 1}


async def test_a_name_that_does_not_resolve_means_the_runtime_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    async with started(lambda _: httpx.Response(200, json=TAGS), runtime_balance="dns") as (_, http):
        for response in (
            await http.post("/generate", json={"prompt": "Hello"}),
            await http.get("/ready"),
            await http.get("/v1/models"),
        ):
            error_of(response, 503, "runtime_unavailable")
            assert int(response.headers["retry-after"]) >= 1


async def test_a_gateway_that_starts_before_its_runtime_becomes_ready_with_it() -> None:
    up = False

    def handler(request: httpx.Request) -> httpx.Response:
        if not up:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=TAGS if request.url.path == "/api/tags" else ANSWER)

    async with started(handler, models_interval_seconds=0.01) as (_, http):
        for path in ("/ready", "/v1/models"):
            response = await http.get(path)
            error_of(response, 503, "runtime_unavailable")
            assert int(response.headers["retry-after"]) >= 1
        error_of(await http.post("/generate", json={"prompt": "Hello"}), 503, "runtime_unavailable")
        assert (await http.get("/health")).status_code == 200
        up = True
        ready = lambda: http.get("/ready")  # noqa: E731
        await until("the gateway to be ready", ready, lambda response: response.is_success)
        assert (await http.post("/generate", json={"prompt": "Hello"})).json()["response"] == "Hello"


async def test_readiness_and_its_gauges_follow_the_runtime_down_and_up_again(open_gateway: Open) -> None:
    app = await open_gateway(models_interval_seconds=0.01)
    tags = app.runtime.get("/api/tags")

    async def ready_answers(status: int, code: str | None = None) -> httpx.Response:
        """Wait for a response of /ready with this status and error code."""

        async def look() -> tuple[httpx.Response, tuple[int, str | None]]:
            response = await app.http.get("/ready")
            return response, (response.status_code, response.json().get("error", {}).get("code"))

        response, _ = await until(
            f"{status} {code} from /ready", look, lambda seen: seen[1] == (status, code)
        )
        return response

    def gauges() -> tuple[float | None, float | None]:
        return app.metric("llm_runtime_up"), app.metric("llm_model_available", model=MODEL)

    assert (await ready_answers(200)).json() == {"status": "ready", "model": MODEL}
    assert gauges() == (1, 1)
    tags.mock(side_effect=httpx.ConnectError("refused"))
    error_of(await ready_answers(503, "runtime_unavailable"), 503, "runtime_unavailable")
    assert gauges() == (0, 0)
    tags.mock(side_effect=None, return_value=httpx.Response(200, json={"models": [{"name": "other:1"}]}))
    missing = await ready_answers(503, "model_missing")
    message = error_of(missing, 503, "model_missing")["message"]
    assert message == f"the runtime does not have the model {MODEL}; it has: other:1"
    assert gauges() == (1, 0)
    error_of(await generate(app), 404, "model_not_found")
    tags.mock(return_value=httpx.Response(200, json=TAGS))
    await ready_answers(200)
    assert gauges() == (1, 1)


async def test_a_gateway_serves_whatever_its_runtime_does_once_its_model_was_available() -> None:
    tags: httpx.Response | None = None

    def handler(_: httpx.Request) -> httpx.Response:
        if tags is None:
            raise httpx.ConnectError("refused")
        return tags

    async with started(handler) as (gateway, http):

        async def serving_after(found: httpx.Response | None) -> httpx.Response:
            nonlocal tags
            tags = found
            await gateway.catalogue.refresh()
            return await http.get("/serving")

        without_model = httpx.Response(200, json={"models": []})
        error_of(await serving_after(None), 503, "runtime_unavailable")
        error_of(await serving_after(without_model), 503, "model_missing")
        for found, ready in ((httpx.Response(200, json=TAGS), 200), (without_model, 503), (None, 503)):
            response = await serving_after(found)
            assert (response.status_code, response.json()) == (200, {"status": "serving"})
            assert (await http.get("/ready")).status_code == ready
        gateway.drain()
        error_of(await http.get("/serving"), 503, "shutting_down")


async def test_a_gateway_that_starts_before_its_runtime_does_not_wait_for_the_next_regular_look() -> None:
    looks = 0

    def handler(_: httpx.Request) -> httpx.Response:
        nonlocal looks
        looks += 1
        if looks < 3:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=TAGS)

    async with started(handler, models_interval_seconds=60) as (_, http):
        await until("the gateway to be ready", lambda: http.get("/ready"), lambda seen: seen.is_success)
        assert looks == 3


@pytest.mark.parametrize("content", [b"nonsense", b"[]", b'{"models":5}', b'{"models":[5]}', b"[" * 100_000])
async def test_a_list_of_models_that_makes_no_sense_means_the_runtime_is_unavailable(
    open_gateway: Open, content: bytes
) -> None:
    app = await open_gateway()
    app.runtime.get("/api/tags").respond(content=content)
    await app.gateway.catalogue.refresh()
    error_of(await app.http.get("/ready"), 503, "runtime_unavailable")
    assert app.metric("llm_runtime_up") == 0
