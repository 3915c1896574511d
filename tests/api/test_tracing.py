"""Traces: a span for each request to a route that generates, one for each of its phases, and their ids."""

import itertools
import json
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from api.main import GENERATING
from tests.api.support.collector import PHASES, Collector
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.live import Serve
from tests.api.support.pod import pod
from tests.api.support.requests import BODIES, CHAT_LINES, HELLO, chat, ndjson

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{CALLER}-01"
SECRET = "nobody else may read this"
ALL = BODIES | {
    "/v1/messages": {"model": MODEL, "messages": HELLO, "max_tokens": 9},
    "/v1/messages/count_tokens": {"model": MODEL, "messages": HELLO},
    "/v1/embeddings": {"model": MODEL, "input": "Say hello."},
    "/api/embed": {"model": MODEL, "input": "Say hello."},
    "/api/embeddings": {"model": MODEL, "prompt": "Say hello."},
}
OPERATIONS = {
    "/generate": "text_completion",
    "/v1/completions": "text_completion",
    "/api/generate": "text_completion",
    "/v1/embeddings": "embeddings",
    "/api/embed": "embeddings",
    "/api/embeddings": "embeddings",
}


async def open_traced(open_gateway: Open, collector: Collector, **settings: Any) -> InProcess:
    app = await open_gateway(otlp_endpoint=collector.url, **settings)
    app.runtime.post("/api/chat").respond(text=ndjson(*CHAT_LINES))
    return app


async def test_every_route_that_generates_has_a_span_below_its_callers_with_its_phases(
    serve: Serve, collector: Collector
) -> None:
    assert ALL.keys() == set(GENERATING)
    live = await serve(behavior={"first_token_seconds": 0.01, "token_seconds": 0.01, "tokens": 3})
    async with pod(live, LLM_OTLP_ENDPOINT=collector.url) as gateway:
        for route, body in ALL.items():
            response = await gateway.http.post(route, json=body, headers={"traceparent": TRACEPARENT})
            assert response.status_code == 200, response.text
        await gateway.http.get("/v1/models")
        await gateway.http.get("/metrics")
        spans = await collector.wait_for(len(ALL))
        gateway.process.terminate()
        await gateway.exits()
    assert collector.resource["service.name"] == "llm-api"
    for span, route in zip(spans, ALL, strict=True):
        operation = OPERATIONS.get(route, "chat")
        assert (span.name, span.trace, span.parent) == (f"{operation} {MODEL}", TRACE, CALLER)
        assert span.attributes["http.route"] == route
        assert span.attributes["gen_ai.operation.name"] == operation
        assert span.attributes["gen_ai.request.model"] == MODEL
        assert span.attributes["gen_ai.usage.input_tokens"] > 0
        assert not span.failed
        phases = list(collector.phases(span).values())
        assert [phase.name for phase in phases] == list(PHASES if operation != "embeddings" else PHASES[:-1])
        assert {phase.trace for phase in phases} == {TRACE}
        assert span.began <= phases[0].began
        for before, after in itertools.pairwise(phases):
            assert before.ended == after.began
        assert phases[-1].ended <= span.ended


async def test_the_attributes_are_those_of_the_conventions_for_generative_ai(
    open_gateway: Open, collector: Collector
) -> None:
    app = await open_traced(open_gateway, collector)
    asked = {"temperature": 1, "top_p": 0.9, "seed": 7, "max_tokens": 20, "frequency_penalty": 0.1}
    wanted = {"n": 2, "response_format": {"type": "json_object"}}
    response = await chat(app, stream=True, **asked, **wanted)
    attributes = (await collector.request()).attributes
    first_token = attributes.pop("gen_ai.response.time_to_first_chunk")
    assert attributes == {
        "http.request.method": "POST",
        "http.route": "/v1/chat/completions",
        "http.response.status_code": 200,
        "http.response.header.x-request-id": [response.headers["x-request-id"]],
        "url.path": "/v1/chat/completions",
        "url.scheme": "http",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "ollama",
        "gen_ai.output.type": "json",
        "gen_ai.request.model": MODEL,
        "gen_ai.request.stream": True,
        "gen_ai.request.choice.count": 2,
        "gen_ai.request.temperature": 1.0,
        "gen_ai.request.top_p": 0.9,
        "gen_ai.request.seed": 7,
        "gen_ai.request.max_tokens": 20,
        "gen_ai.request.frequency_penalty": 0.1,
        "gen_ai.response.model": MODEL,
        "gen_ai.response.finish_reasons": ["stop", "stop"],
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 4,
    }
    assert first_token > 0
    assert isinstance(attributes["gen_ai.request.temperature"], float)


async def test_the_runtime_can_continue_the_trace_below_the_requests_span(
    open_gateway: Open, collector: Collector
) -> None:
    app = await open_traced(open_gateway, collector)
    given = {"traceparent": TRACEPARENT, "tracestate": "vendor=1"}
    body = BODIES["/v1/chat/completions"]
    assert (await app.http.post("/v1/chat/completions", json=body, headers=given)).status_code == 200
    sent = app.runtime.calls.last.request.headers
    span = await collector.request()
    assert sent["traceparent"] == f"00-{TRACE}-{span.id}-01"
    assert sent["tracestate"] == "vendor=1"


@pytest.mark.parametrize("given", [None, "nonsense", f"00-{'0' * 32}-{CALLER}-01", f"ff-{TRACE}-{CALLER}-01"])
async def test_a_request_without_a_valid_traceparent_begins_a_trace(
    open_gateway: Open, collector: Collector, given: str | None
) -> None:
    app = await open_traced(open_gateway, collector)
    headers = {"traceparent": given} if given else {}
    await app.http.post("/v1/chat/completions", json=BODIES["/v1/chat/completions"], headers=headers)
    span = await collector.request()
    assert span.parent == ""
    assert span.trace not in (TRACE, "0" * 32)


async def test_a_trace_that_the_caller_does_not_keep_is_passed_on_and_not_sent(
    open_gateway: Open, collector: Collector
) -> None:
    app = await open_traced(open_gateway, collector)
    body = BODIES["/v1/chat/completions"]
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-00"}
    await app.http.post("/v1/chat/completions", json=body, headers=headers)
    sent = app.runtime.calls.last.request.headers["traceparent"].split("-")
    assert (sent[1], sent[3]) == (TRACE, "00")
    assert sent[2] != CALLER
    await chat(app)  # whose span arrives after that of the other would have
    assert (await collector.request()).trace != TRACE
    assert TRACE not in await exemplars(app)


@pytest.mark.parametrize("stream", [True, False])
async def test_no_text_of_a_prompt_or_an_answer_is_in_a_span(
    open_gateway: Open, collector: Collector, stream: bool
) -> None:
    app = await open_traced(open_gateway, collector)
    answer = {"message": {"role": "assistant", "content": SECRET}, "done": True, "eval_count": 1}
    app.runtime.post("/api/chat").respond(text=ndjson(answer))
    tool = {"type": "function", "function": {"name": "f", "description": SECRET, "parameters": {}}}
    messages = [{"role": "system", "content": SECRET}, {"role": "user", "content": SECRET}]
    done = await chat(app, messages=messages, stop=[SECRET], tools=[tool], user=SECRET, stream=stream)
    assert SECRET in done.text
    app.runtime.post("/api/chat").respond(500, json={"error": SECRET})
    failed = await chat(app, messages=messages)
    assert SECRET in failed.text
    unknown = await chat(app, model=SECRET)
    assert unknown.status_code == 404
    await collector.wait_for(3)
    assert not any(SECRET.encode() in body for body in collector.bodies)


async def exemplars(app: InProcess) -> list[str]:
    """Return the ids of traces that the time to the first token shows to who asks for OpenMetrics."""
    shown = await app.http.get("/metrics", headers={"accept": "application/openmetrics-text;version=1.0.0"})
    families = text_string_to_metric_families(shown.text)  # type: ignore[no-untyped-call]
    samples = [sample for family in families for sample in family.samples]
    assert {s.name for s in samples if s.exemplar} <= {"llm_time_to_first_token_seconds_bucket"}
    return [s.exemplar.labels["trace_id"] for s in samples if s.exemplar]


async def test_the_time_to_the_first_token_names_a_trace_that_is_kept(
    open_gateway: Open, collector: Collector
) -> None:
    app = await open_traced(open_gateway, collector)
    await chat(app, stream=True)
    assert await exemplars(app) == [(await collector.request()).trace]


async def test_the_log_line_of_a_request_names_its_trace(
    open_gateway: Open, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    app = await open_traced(open_gateway, collector, log_format="json")
    await chat(app)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    logged = [line["trace_id"] for line in lines if line["event"] == "request"]
    assert logged == [(await collector.request()).trace]
