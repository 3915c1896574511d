"""Traces of requests that fail; collectors that do; and what it takes to have no traces at all."""

import socket
import subprocess
import sys
from typing import Any

import pytest
from llm_api import lifecycle
from llm_api.settings import Settings, SettingsError

from tests.api.support.collector import PHASES, Collector
from tests.api.support.in_process import Open
from tests.api.support.live import Serve
from tests.api.support.requests import CHAT_LINES, chat, ndjson
from tests.api.support.sockets import post
from tests.processes import ROOT, free_port
from tests.waiting import within

PROMPT = {"prompt": "Hello", "stream": True}
HOUR = 3600


@pytest.mark.parametrize(
    ("body", "key", "status", "name", "kind", "failed"),
    [
        (PROMPT, "wrong", 401, "POST /generate", "invalid_api_key", False),
        (PROMPT | {"prompt": 5}, "right", 422, "POST /generate", "invalid_value", False),
        (PROMPT | {"model": "no"}, "right", 404, "POST /generate", "model_not_found", False),
        (PROMPT, "right", 502, "text_completion tiny:1", "runtime_error", True),
    ],
)
async def test_a_request_that_fails_says_why_and_is_an_error_unless_its_client_made_it(
    open_gateway: Open,
    collector: Collector,
    body: dict[str, Any],
    key: str,
    status: int,
    name: str,
    kind: str,
    failed: bool,
) -> None:
    app = await open_gateway(otlp_endpoint=collector.url, api_keys="right")
    app.runtime.post("/api/generate").respond(500, json={"error": "broken"})
    response = await app.http.post("/generate", json=body, headers={"authorization": f"Bearer {key}"})
    assert response.status_code == status
    span = await collector.request()
    assert (span.name, span.attributes["error.type"], span.failed) == (name, kind, failed)
    assert span.attributes["http.response.status_code"] == status


async def test_a_method_that_a_route_does_not_have_is_an_error_of_the_client(
    open_gateway: Open, collector: Collector
) -> None:
    app = await open_gateway(otlp_endpoint=collector.url)
    assert (await app.http.get("/generate")).status_code == 405
    span = await collector.request()
    assert (span.name, span.attributes["error.type"], span.failed) == ("GET /generate", "405", False)


async def test_a_request_that_finds_the_queue_full_has_only_been_in_the_queue(
    open_gateway: Open, collector: Collector
) -> None:
    app = await open_gateway(otlp_endpoint=collector.url, max_running=1, max_waiting=0)
    async with app.gateway.admission.slot():
        assert (await chat(app)).status_code == 503
    span = await collector.request()
    assert (span.attributes["error.type"], span.failed) == ("queue_full", True)
    assert list(collector.phases(span)) == ["queue"]


async def test_a_stream_that_breaks_after_its_first_token_is_an_error_despite_its_status(
    serve: Serve, collector: Collector
) -> None:
    live = await serve(otlp_endpoint=collector.url, between_tokens_timeout_seconds=0.1)
    await live.simulate(fault={"kind": "hang", "after_tokens": 1, "times": 1})
    assert (await live.http.post("/generate", json=PROMPT)).status_code == 200
    span = await collector.request()
    assert (span.attributes["error.type"], span.failed) == ("timeout", True)
    assert span.attributes["http.response.status_code"] == 200
    assert "gen_ai.usage.output_tokens" not in span.attributes
    assert list(collector.phases(span)) == list(PHASES)


@pytest.mark.parametrize(
    ("behavior", "phases"),
    [
        ({"first_token_seconds": HOUR}, PHASES[:3]),
        ({"first_token_seconds": 0, "token_seconds": HOUR}, PHASES),
    ],
)
async def test_a_client_that_leaves_ends_the_span_with_an_error(
    serve: Serve, collector: Collector, behavior: dict[str, float], phases: tuple[str, ...]
) -> None:
    live = await serve(otlp_endpoint=collector.url, behavior=behavior)
    leaving = await post(live.url, PROMPT)
    await live.simulator_reaches(running=1)
    if "decode" in phases:
        await leaving.until(b'"done":false}')
    leaving.close()
    span = await collector.request()
    assert (span.attributes["error.type"], span.failed) == ("client_left", True)
    assert list(collector.phases(span)) == list(phases)
    assert ("http.response.status_code" in span.attributes) is ("decode" in phases)


async def test_a_request_whose_time_is_up_in_the_queue_has_only_been_there(
    open_gateway: Open, collector: Collector
) -> None:
    app = await open_gateway(otlp_endpoint=collector.url, max_running=1, request_timeout_seconds=0.05)
    async with app.gateway.admission.slot():
        assert (await chat(app)).status_code == 504
    span = await collector.request()
    assert (span.attributes["error.type"], span.failed) == ("timeout", True)
    assert list(collector.phases(span)) == ["queue"]


@pytest.mark.parametrize("listens", [True, False])
async def test_a_collector_that_hangs_or_cannot_be_reached_disturbs_neither_a_request_nor_the_exit(
    open_gateway: Open, listens: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        port = hanging.getsockname()[1] if listens else free_port()
        opened = lifecycle.tracing(Settings(otlp_endpoint=f"http://127.0.0.1:{port}"))
        app = await open_gateway()
        app.gateway.tracing = await opened.__aenter__()
        app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
        assert (await chat(app)).status_code == 200
        await within("the last traces to be given up", opened.__aexit__(None, None, None))


async def test_traces_without_the_packages_for_them_are_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "llm_api.tracing", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match="LLM_OTLP_ENDPOINT needs the packages of the extra `tracing`"):
        async with lifecycle.tracing(Settings(otlp_endpoint="http://localhost:4318")):
            pass


SERVE = """
import asyncio, sys
import httpx
from llm_api.settings import Settings
from main import create_app

async def main():
    runtime = httpx.MockTransport(lambda request: httpx.Response(200, json=
        {"models": [{"name": "m"}]} if request.url.path == "/api/tags" else {"response": "Hi", "done": True}))
    app = create_app(Settings(model="m"), runtime)
    async with app.router.lifespan_context(app) as state:
        async def with_state(scope, receive, send):
            await app({**scope, "state": dict(state)}, receive, send)
        http = httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://gateway.test")
        while (await http.get("/ready")).status_code != 200:
            await asyncio.sleep(0.01)
        response = await http.post("/generate", json={"prompt": "Hi"}, headers={"traceparent": TRACEPARENT})
        assert response.status_code == 200, response.text

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
asyncio.run(main())
print(*sorted(sys.modules))
"""


def test_without_a_collector_nothing_of_the_sdk_is_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SERVE],
        cwd=ROOT / "api",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    modules = done.stdout.splitlines()[-1].split()
    assert "llm_api.lifecycle" in modules
    unwanted = (
        "llm_api.tracing",
        "opentelemetry.sdk",
        "opentelemetry.exporter",
        "google.protobuf",
        "requests",
    )
    assert [name for name in modules if name.startswith(unwanted)] == []
