"""LLM_WAIT_FOR_RUNTIME_SECONDS: requests wait in the queue for a runtime, or a model, that is expected."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from llm_api.gateway import Gateway
from llm_api.record import Phases
from llm_api.server.limits import Protocol
from llm_api.settings import Settings

from api.main import create_app
from tests.api.support.errors import error_of
from tests.api.support.in_process import CAPABILITIES, MODEL, started
from tests.api.support.live import admission_reaches, listen
from tests.api.support.requests import BODIES, CHAT_LINES, DONE, ndjson
from tests.waiting import until, within

CHAT = "/v1/chat/completions"
STREAM = BODIES[CHAT] | {"stream": True}
HOUR = 3600


class Runtime:
    """Answers while it is up, with the models that it has."""

    def __init__(self, *, up: bool, models: tuple[str, ...] = (MODEL,)) -> None:
        self.up, self.models, self.loaded = up, models, True
        self.generate = asyncio.Event()
        self.generate.set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if not self.up:
            raise httpx.ConnectError("refused")
        match request.url.path:
            case "/api/tags":
                return httpx.Response(200, json={"models": [{"name": name} for name in self.models]})
            case "/api/ps":
                return httpx.Response(200, json={"models": [{"name": MODEL}] if self.loaded else []})
            case "/api/show":
                return httpx.Response(200, json={"capabilities": CAPABILITIES})
            case "/api/chat":
                await self.generate.wait()
                return httpx.Response(200, text=ndjson(*CHAT_LINES))
        return httpx.Response(200, json={"response": "Hello", **DONE})


@asynccontextmanager
async def gateway_of(runtime: Runtime, **settings: Any) -> AsyncIterator[tuple[Gateway, httpx.AsyncClient]]:
    given = {"wait_for_runtime_seconds": HOUR, "request_timeout_seconds": HOUR} | settings
    async with started(runtime, **given) as (gateway, http):
        # Until its first look at the runtime.
        await until("a look at the runtime", lambda: "not been asked" not in str(gateway.catalogue.error))
        yield gateway, http


def prompt(http: httpx.AsyncClient, **fields: Any) -> asyncio.Task[httpx.Response]:
    return asyncio.create_task(http.post("/generate", json={"prompt": "Hello"} | fields))


@pytest.mark.parametrize("seen", [True, False])
async def test_requests_wait_for_a_runtime_that_restarts_or_has_never_been_there(seen: bool) -> None:
    runtime = Runtime(up=seen)
    async with gateway_of(runtime, max_running=1) as (gateway, http):
        runtime.up = False
        first, second = prompt(http), prompt(http)
        await admission_reaches(gateway, running=1, waiting=1)
        runtime.up = True
        for response in await asyncio.gather(first, second):
            assert (response.status_code, response.json()["response"]) == (200, "Hello")
        labels = {"model": MODEL, "route": "/generate", "outcome": "ok"}
        assert gateway.metrics.registry.get_sample_value("llm_requests_total", labels) == 2


async def test_the_time_of_a_wait_counts_as_time_in_the_queue() -> None:
    runtime = Runtime(up=True)
    async with gateway_of(runtime) as (gateway, http):
        runtime.up = False
        request = prompt(http)
        await admission_reaches(gateway, running=1, waiting=0)
        await asyncio.sleep(0.3)
        runtime.up = True
        assert (await request).json()["timings"]["queue_seconds"] >= 0.3


@pytest.mark.parametrize("seen", [True, False])
async def test_after_the_bound_the_error_is_that_of_a_runtime_that_cannot_be_reached(seen: bool) -> None:
    runtime = Runtime(up=seen)
    async with gateway_of(runtime, wait_for_runtime_seconds=0.3) as (gateway, http):
        runtime.up = False
        response = await prompt(http)
        error_of(response, 503, "runtime_unavailable")
        assert int(response.headers["retry-after"]) >= 1
        assert response.elapsed.total_seconds() >= 0.3
        assert (gateway.admission.running, gateway.admission.waiting) == (0, 0)


@pytest.mark.parametrize("seen", [True, False])
async def test_a_deadline_ends_a_wait(seen: bool) -> None:
    runtime = Runtime(up=seen)
    async with gateway_of(runtime, request_timeout_seconds=0.3) as (_, http):
        runtime.up = False
        error_of(await prompt(http), 504, "timeout")


async def test_the_queue_bounds_how_many_wait() -> None:
    async with gateway_of(Runtime(up=False), max_running=1, max_waiting=0) as (gateway, http):
        waiting = prompt(http)
        await admission_reaches(gateway, running=1, waiting=0)
        error_of(await prompt(http), 503, "queue_full")
        waiting.cancel()


async def test_requests_wait_for_the_default_model_and_for_no_other() -> None:
    runtime = Runtime(up=True, models=("other:1",))
    async with gateway_of(runtime, model_aliases=f"gpt-4o={MODEL}") as (gateway, http):
        error_of(await prompt(http, model="nobodys:1"), 404, "model_not_found")
        requests = [prompt(http), prompt(http, model=MODEL), prompt(http, model="gpt-4o")]
        await admission_reaches(gateway, running=2, waiting=1)
        runtime.models = (MODEL,)
        assert [response.status_code for response in await asyncio.gather(*requests)] == [200] * 3


@pytest.mark.parametrize("n", [1, 2])
async def test_a_stream_says_that_it_waits_for_the_runtime_then_that_the_model_loads(n: int) -> None:
    runtime = Runtime(up=False)
    runtime.generate.clear()
    async with gateway_of(runtime, stream_keepalive_seconds=0.2) as (gateway, http):
        request = asyncio.create_task(http.post(CHAT, json=STREAM | {"n": n}))
        await admission_reaches(gateway, running=1, waiting=0)
        await asyncio.sleep(0.5)
        runtime.up, runtime.loaded = True, False
        await admission_reaches(gateway, running=n, waiting=0)
        await asyncio.sleep(1)
        runtime.generate.set()
        events = (await within("the answer", request)).text.split("\n\n")
    comments = [event for event in events if event.startswith(":")]
    assert list(dict.fromkeys(comments)) == [": waiting for the runtime", ": loading"]
    assert events[: len(comments)] == comments
    assert events[-2:] == ["data: [DONE]", ""]


@pytest.mark.parametrize("up", [True, False])
async def test_what_a_request_waits_for_depends_on_where_it_is_not_on_the_last_look(up: bool) -> None:
    async with gateway_of(Runtime(up=up)) as (gateway, _):
        assert await gateway.waiting.progress(MODEL, Phases(queued=True)) == "waiting in the queue"
        assert await gateway.waiting.progress(MODEL, Phases()) == "waiting for the runtime"


async def test_a_client_that_leaves_stops_waiting() -> None:
    async with AsyncExitStack() as stack:
        given = {"runtime_url": "http://127.0.0.1:9", "model": MODEL, "wait_for_runtime_seconds": HOUR}
        url, server = await listen(stack, create_app(Settings.model_validate(given)), http=Protocol)
        gateway: Gateway = server.lifespan.state["gateway"]
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            waiting = prompt(http)
            await admission_reaches(gateway, running=1, waiting=0)
            waiting.cancel()
            await admission_reaches(gateway, running=0, waiting=0)


async def test_a_gateway_whose_requests_wait_serves_before_its_runtime_does() -> None:
    async with gateway_of(Runtime(up=False)) as (_, http):
        assert (await http.get("/serving")).status_code == 200
        error_of(await http.get("/ready"), 503, "runtime_unavailable")


async def test_streams_say_how_far_the_pull_of_their_model_is() -> None:
    pulled, tags = asyncio.Event(), FastAPI()

    async def progress() -> AsyncIterator[bytes]:
        yield b'{"status":"pulling manifest"}\n'
        yield b'{"status":"pulling a","digest":"a","total":300,"completed":300}\n'
        yield b'{"status":"pulling b","digest":"b","total":100}\n{"status":"pulling b","digest":"b",'
        yield b'"total":100,"completed":20}\n'
        await pulled.wait()
        yield b'{"status":"success"}\n'

    tags.get("/api/tags")(lambda: {"models": [{"name": "new:1"}] if pulled.is_set() else []})
    tags.get("/api/ps")(lambda: {"models": []})
    tags.post("/api/pull")(lambda: StreamingResponse(progress()))
    tags.post("/api/chat")(lambda: StreamingResponse(iter([ndjson(*CHAT_LINES)])))
    async with AsyncExitStack() as stack:
        url, _ = await listen(stack, tags)
        given = {"runtime_url": url, "model": MODEL, "allow_model_changes": True}
        given |= {"wait_for_runtime_seconds": HOUR, "stream_keepalive_seconds": 0.1}
        gateway, _ = await listen(stack, create_app(Settings.model_validate(given)), http=Protocol)
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=gateway, trust_env=False))
        pull = await stack.enter_async_context(http.stream("POST", "/api/pull", json={"model": "new:1"}))
        lines = pull.aiter_lines()
        while "20" not in await within("a line of the pull", anext(lines)):
            pass
        chat = await stack.enter_async_context(http.stream("POST", CHAT, json=STREAM | {"model": "new:1"}))
        answer = chat.aiter_lines()
        assert await within("a comment", anext(answer)) == ": pulling 80 %"
        pulled.set()
        assert json.loads([line async for line in lines][-1]) == {"status": "success"}
        assert [line async for line in answer if line][-1] == "data: [DONE]"
        error_of(await http.post(CHAT, json=BODIES[CHAT] | {"model": "newer:1"}), 404, "model_not_found")
