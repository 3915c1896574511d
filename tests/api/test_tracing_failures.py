"""Traces of requests that fail, and collectors that do."""

import socket
from typing import Any

import pytest
from llm_api import lifecycle
from llm_api.settings import Settings

from tests.api.support.collector import PHASES, Collector
from tests.api.support.in_process import MODEL, Open
from tests.api.support.live import Serve
from tests.api.support.requests import CHAT_LINES, HELLO, chat, ndjson
from tests.api.support.sockets import post
from tests.processes import free_port
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


@pytest.mark.parametrize("number", [40, 2**63, 10**400])
async def test_a_number_that_no_span_can_hold_costs_no_other_span(
    open_gateway: Open, collector: Collector, number: int
) -> None:
    app = await open_gateway(otlp_endpoint=collector.url)
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    body = {"model": MODEL, "messages": HELLO, "max_tokens": 9, "top_k": number}
    assert (await app.http.post("/v1/messages", json=body)).status_code == 200
    span = await collector.request()
    assert span.attributes.get("gen_ai.request.top_k") == (number if number == 40 else None)


async def test_a_request_that_finds_the_queue_full_has_only_been_in_the_queue(
    open_gateway: Open, collector: Collector
) -> None:
    app = await open_gateway(otlp_endpoint=collector.url, max_running=1, max_waiting=0)
    async with app.gateway.admission:
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
    async with app.gateway.admission:
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
