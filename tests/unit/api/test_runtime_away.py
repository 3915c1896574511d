"""A runtime that is away, or does not have the model: what is tried again, and what /ready says."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from llm_api import runtime
from llm_api.balance import Address, Addresses
from llm_api.errors import RuntimeFailedError, RuntimeUnavailableError
from llm_api.phases import Phases
from llm_api.runtime import Finish, Job, Runtime
from llm_api.settings import Settings

from api.main import create_app
from tests.unit.api.asking import counted, error_of, generate
from tests.unit.api.conftest import MODEL, RUNTIME, TAGS, InProcess, Open, with_state

Handler = Callable[[httpx.Request], httpx.Response]
ANSWER = {"response": "Hello", "done": True, "eval_count": 1}
JOB = Job("/api/generate", MODEL, {"prompt": "Hello"}, stream=False)


def gauge(opened: InProcess, name: str, **labels: str) -> float | None:
    return opened.gateway.metrics.registry.get_sample_value(name, labels)


async def test_a_runtime_that_is_away_is_503_and_says_when_to_come_back(
    open_gateway: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "BACKOFF_SECONDS", 0)
    opened = await open_gateway()
    route = opened.runtime.post("/api/generate").mock(side_effect=httpx.ConnectError("refused"))
    for stream in (False, True):
        answer = await generate(opened, stream=stream)
        error_of(answer, 503, "runtime_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert route.call_count == 2 * runtime.ATTEMPTS
    assert counted(opened, "error") == 2


async def test_a_connection_that_fails_once_is_tried_again(
    open_gateway: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "BACKOFF_SECONDS", 0)
    opened = await open_gateway()
    route = opened.runtime.post("/api/generate")
    route.mock(side_effect=[httpx.ConnectError("refused"), httpx.Response(200, json=ANSWER)])
    assert (await generate(opened)).json()["response"] == "Hello"
    assert route.call_count == 2


async def ask(handler: Handler, *urls: str, calls: int = 1, resolve: bool = True) -> list[Finish | Exception]:
    """Have one client of the runtime generate some times, with replicas at these URLs."""
    addresses = Addresses(RUNTIME, resolve=resolve)
    addresses.all = [Address(url) for url in urls]

    async def ignore(texts: list[str]) -> None:
        pass

    async with httpx.AsyncClient(transport=httpx.MockTransport(handler)) as http:
        asked = Runtime(Settings(runtime_url=RUNTIME, model=MODEL), http, addresses)
        found: list[Any] = []
        for _ in range(calls):
            found += await asyncio.gather(asked.generate(JOB, Phases(), ignore), return_exceptions=True)
        assert sum(address.busy for address in addresses.all) == 0
        return found


async def test_a_refused_connection_is_tried_at_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "BACKOFF_SECONDS", 0)
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host == "a.test":
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=ANSWER)

    finishes = await ask(handler, "http://a.test", "http://b.test", calls=3)
    assert all(isinstance(finish, Finish) for finish in finishes)
    assert asked == [
        "a.test",
        "b.test",
        "b.test",
        "b.test",
    ]  # the failing one is the last choice from then on


async def test_where_no_address_takes_it_each_was_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "BACKOFF_SECONDS", 0)
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        raise httpx.ConnectTimeout("nobody there")

    (error,) = await ask(handler, "http://a.test", "http://b.test")
    assert isinstance(error, RuntimeUnavailableError)
    assert sorted(asked) == ["a.test", "b.test"]


@pytest.mark.parametrize("begun", [b"", b'{"response":"Hel","done":false}\n'])
async def test_nothing_is_tried_again_after_the_answer_began(begun: bytes) -> None:
    asked: list[str] = []

    async def breaks() -> AsyncIterator[bytes]:
        yield begun
        raise httpx.RemoteProtocolError("the connection ended")

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(200, content=breaks())

    (error,) = await ask(handler, "http://a.test", "http://b.test")
    assert isinstance(error, RuntimeFailedError)
    assert len(asked) == 1


async def test_retries_have_a_budget_of_a_tenth_of_the_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "BACKOFF_SECONDS", 0)
    attempts = 0

    def handler(_: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        raise httpx.ConnectError("refused")

    errors = await ask(handler, RUNTIME, calls=200, resolve=False)
    assert all(isinstance(error, RuntimeUnavailableError) for error in errors)
    assert 200 + 20 <= attempts <= 200 + 10 + 20


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
    assert message == f"the runtime does not have {MODEL}; it has: other:1"
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
