"""Retries: only before the first byte, on another replica if there is one, and within a budget."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from llm_api.errors import RuntimeFailedError, RuntimeUnavailableError
from llm_api.record import Phases
from llm_api.upstream import client as runtime
from llm_api.upstream.chunk import Chunk, Finish
from llm_api.upstream.client import Job
from llm_api.upstream.replicas import Replica

from tests.api.support.errors import error_of
from tests.api.support.in_process import MODEL, RUNTIME_URL, TAGS, Open, started
from tests.api.support.requests import generate
from tests.waiting import equals, until, within

Handler = Callable[[httpx.Request], httpx.Response]
ANSWER = {"response": "Hello", "done": True, "eval_count": 1}
JOB = Job("/api/generate", MODEL, {"prompt": "Hello"}, stream=False)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "BACKOFF_SECONDS", 0)


async def test_an_unavailable_runtime_is_a_503_with_retry_after(open_gateway: Open) -> None:
    app = await open_gateway()
    route = app.runtime.post("/api/generate").mock(side_effect=httpx.ConnectError("refused"))
    for stream in (False, True):
        response = await generate(app, stream=stream)
        error_of(response, 503, "runtime_unavailable")
        assert int(response.headers["retry-after"]) >= 1
    assert route.call_count == 2 * runtime.ATTEMPTS
    assert app.outcomes("error") == 2


async def test_a_connection_that_fails_once_is_retried(open_gateway: Open) -> None:
    app = await open_gateway()
    route = app.runtime.post("/api/generate")
    route.mock(side_effect=[httpx.ConnectError("refused"), httpx.Response(200, json=ANSWER)])
    assert (await generate(app)).json()["response"] == "Hello"
    assert route.call_count == 2


async def outcomes(handler: Handler, *urls: str, calls: int = 1) -> list[Finish | Exception]:
    """Generate `calls` times with replicas at these URLs, which `handler` answers for."""

    def runtime_handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=TAGS) if request.method == "GET" else handler(request)

    async def ignore(chunks: list[Chunk]) -> None:
        pass

    async with started(runtime_handler, models_interval_seconds=600) as (gateway, _):
        await until("the gateway to know its models", lambda: gateway.catalogue.error, equals(None))
        replicas = gateway._runtime._replicas.all = [Replica(url) for url in urls]
        found: list[Any] = []
        for _ in range(calls):
            generation = gateway.generate(JOB, Phases(), ignore)
            found += await within("the generation to end", asyncio.gather(generation, return_exceptions=True))
        assert sum(replica.busy for replica in replicas) == 0
        return found


async def test_a_refused_connection_is_retried_on_another_replica() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        if request.url.host == "a.test":
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json=ANSWER)

    finishes = await outcomes(handler, "http://a.test", "http://b.test", calls=3)
    assert all(isinstance(finish, Finish) for finish in finishes)
    assert asked == ["a.test", *["b.test"] * 3]  # a failing replica is a last resort from then on


async def test_each_replica_is_tried_once_if_all_refuse() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        raise httpx.ConnectTimeout("nobody there")

    (error,) = await outcomes(handler, "http://a.test", "http://b.test")
    assert isinstance(error, RuntimeUnavailableError)
    assert sorted(asked) == ["a.test", "b.test"]


@pytest.mark.parametrize("start", [b"", b'{"response":"Hel","done":false}\n'])
async def test_there_is_no_retry_once_the_response_has_started(start: bytes) -> None:
    asked: list[str] = []

    async def breaks() -> AsyncIterator[bytes]:
        yield start
        raise httpx.RemoteProtocolError("the connection ended")

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.host)
        return httpx.Response(200, content=breaks())

    (error,) = await outcomes(handler, "http://a.test", "http://b.test")
    assert isinstance(error, RuntimeFailedError)
    assert len(asked) == 1


async def test_retries_are_limited_to_a_tenth_of_the_requests() -> None:
    attempts = 0

    def handler(_: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        raise httpx.ConnectError("refused")

    errors = await outcomes(handler, RUNTIME_URL, calls=200)
    assert all(isinstance(error, RuntimeUnavailableError) for error in errors)
    assert 200 + 20 <= attempts <= 200 + 10 + 20
