"""What is tried again where nobody takes a request: before the first byte, elsewhere, within a budget."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from llm_api.errors import RuntimeFailedError, RuntimeUnavailableError
from llm_api.gateway import Gateway
from llm_api.record import Phases
from llm_api.settings import Settings
from llm_api.upstream import client as runtime
from llm_api.upstream.client import Job
from llm_api.upstream.ollama import Finish
from llm_api.upstream.replicas import Replica

from api.main import create_app
from tests.api.conftest import MODEL, RUNTIME, TAGS, Open, until
from tests.api.support.asking import counted, error_of, generate

Handler = Callable[[httpx.Request], httpx.Response]
ANSWER = {"response": "Hello", "done": True, "eval_count": 1}
JOB = Job("/api/generate", MODEL, {"prompt": "Hello"}, stream=False)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "BACKOFF_SECONDS", 0)


async def test_a_runtime_that_is_away_is_503_and_says_when_to_come_back(open_gateway: Open) -> None:
    opened = await open_gateway()
    route = opened.runtime.post("/api/generate").mock(side_effect=httpx.ConnectError("refused"))
    for stream in (False, True):
        answer = await generate(opened, stream=stream)
        error_of(answer, 503, "runtime_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
    assert route.call_count == 2 * runtime.ATTEMPTS
    assert counted(opened, "error") == 2


async def test_a_connection_that_fails_once_is_tried_again(open_gateway: Open) -> None:
    opened = await open_gateway()
    route = opened.runtime.post("/api/generate")
    route.mock(side_effect=[httpx.ConnectError("refused"), httpx.Response(200, json=ANSWER)])
    assert (await generate(opened)).json()["response"] == "Hello"
    assert route.call_count == 2


async def ask(handler: Handler, *urls: str, calls: int = 1) -> list[Finish | Exception]:
    """Generate some times with replicas at these URLs."""

    def runtime_of(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=TAGS) if request.method == "GET" else handler(request)

    async def ignore(texts: list[str]) -> None:
        pass

    settings = Settings(runtime_url=RUNTIME, model=MODEL, models_interval_seconds=600)
    app = create_app(settings, transport=httpx.MockTransport(runtime_of))
    async with app.router.lifespan_context(app) as state:
        gateway: Gateway = (state or {})["gateway"]
        await until(lambda: gateway.catalogue.error is None)
        replicas = gateway._runtime._replicas.all = [Replica(url) for url in urls]
        found: list[Any] = []
        for _ in range(calls):
            generating = gateway.generate(JOB, Phases(), ignore)
            found += await asyncio.gather(generating, return_exceptions=True)
        assert sum(replica.busy for replica in replicas) == 0
        return found


async def test_a_refused_connection_is_tried_at_another_address() -> None:
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


async def test_where_no_address_takes_it_each_was_tried_once() -> None:
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


async def test_retries_have_a_budget_of_a_tenth_of_the_requests() -> None:
    attempts = 0

    def handler(_: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        raise httpx.ConnectError("refused")

    errors = await ask(handler, RUNTIME, calls=200)
    assert all(isinstance(error, RuntimeUnavailableError) for error in errors)
    assert 200 + 20 <= attempts <= 200 + 10 + 20
