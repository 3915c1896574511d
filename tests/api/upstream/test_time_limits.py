"""Limits to the first token, between two tokens, and for the whole; the runtime's work ends with them."""

import json
from typing import Any

import pytest

from tests.api.conftest import MODEL, Live, Serve, until
from tests.api.support.asking import error_of
from tests.api.support.wire import runtime_that_says

HANG = {"kind": "hang"}


async def ask(live: Live, *, stream: bool) -> tuple[int, list[dict[str, Any]]]:
    answer = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
    if answer.status_code != 200:
        error_of(answer, 504, "timeout")
    state = await live.simulator_reaches(running=0, cancelled=1)
    assert state["record"][0]["phase"] in ("prefill", "decode")
    assert live.metric("llm_requests_total", model=MODEL, route="/generate", outcome="timeout") == 1
    assert live.metric("llm_requests_running") == 0
    return answer.status_code, [json.loads(line) for line in answer.text.splitlines()]


async def test_no_first_token_in_time_is_504(serve: Serve) -> None:
    live = await serve(first_token_timeout_seconds=0.1)
    await live.simulate(fault=HANG)
    status, (body,) = await ask(live, stream=True)
    assert status == 504
    assert body["error"]["message"] == "the runtime gave no first token within 0.1 s"


async def test_no_next_token_in_time_ends_the_stream_with_an_error_event(serve: Serve) -> None:
    live = await serve(between_tokens_timeout_seconds=0.2)
    await live.simulate(fault=HANG | {"after_tokens": 1})
    status, (piece, last) = await ask(live, stream=True)
    assert (status, piece["done"]) == (200, False)
    assert last["error"]["code"] == "timeout"
    assert last["error"]["message"] == "the runtime gave no next token within 0.2 s"


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_past_its_deadline_is_504(serve: Serve, stream: bool) -> None:
    live = await serve(request_timeout_seconds=0.3)
    await live.simulate(fault=HANG)
    status, (body,) = await ask(live, stream=stream)
    assert status == 504
    assert body["error"]["message"] == "the request was still generating after 0.3 s"


async def test_a_stream_past_its_deadline_ends_with_an_error_event(serve: Serve) -> None:
    live = await serve(request_timeout_seconds=1.5)
    await live.simulate(fault=HANG | {"after_tokens": 1})
    status, (piece, last) = await ask(live, stream=True)
    assert (status, piece["done"]) == (200, False)
    assert last["error"]["message"] == "the request was still generating after 1.5 s"


async def test_a_plain_answer_needs_no_first_token_in_time_only_its_end(serve: Serve) -> None:
    live = await serve(first_token_timeout_seconds=0.05, behavior={"first_token_seconds": 0.2})
    assert (await live.http.post("/generate", json={"prompt": "Hello"})).status_code == 200


async def test_the_pace_of_a_client_that_reads_late_is_not_the_runtimes(serve: Serve) -> None:
    """What it does not fetch waits at the gateway, past the limit between tokens, until the deadline."""
    line = json.dumps({"response": "x" * 100_000, "done": False}).encode() + b"\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
    async with runtime_that_says(head + line * 300) as url:
        live = await serve(runtime_url=url, between_tokens_timeout_seconds=0.1, request_timeout_seconds=1)
        body = {"prompt": "Hello", "stream": True}
        async with live.http.stream("POST", "/generate", json=body) as answer:
            await until(lambda: live.gateway.admission.running == 0)
            *_, last = [json.loads(line) async for line in answer.aiter_lines()]
    assert last["error"]["message"] == "the request was still generating after 1 s"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_runtime_that_drops_the_connection_is_a_failure(serve: Serve, stream: bool) -> None:
    live = await serve()
    await live.simulate(fault={"kind": "drop"})
    answer = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
    error_of(answer, 502, "runtime_error")
    await live.simulate(fault={"kind": "drop", "after_tokens": 2})
    answer = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert (answer.status_code, len(lines)) == ((200, 3) if stream else (502, 1))
    assert lines[-1]["error"]["code"] == "runtime_error"
    assert live.metric("llm_requests_total", model=MODEL, route="/generate", outcome="error") == 2


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("error", 502, "runtime_error"),
        ("not_found", 404, "model_not_found"),
        ("cancelled", 502, "runtime_error"),
        ("busy", 503, "runtime_busy"),
    ],
)
async def test_a_fault_of_the_runtime_strikes_one_request_and_not_the_next(
    serve: Serve, kind: str, status: int, code: str
) -> None:
    live = await serve(max_running=1, max_waiting=0)
    for stream in (False, True):
        await live.simulate(fault={"kind": kind})
        answer = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
        error_of(answer, status, code)
        answer = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
        assert answer.status_code == 200


async def test_an_error_line_in_a_started_stream_is_an_error_event_and_an_error_in_the_metrics(
    serve: Serve,
) -> None:
    live = await serve()
    await live.simulate(fault={"kind": "error", "after_tokens": 3})
    answer = await live.http.post("/generate", json={"prompt": "Hello", "stream": True})
    *pieces, last = [json.loads(line) for line in answer.text.splitlines()]
    assert all(piece["done"] is False for piece in pieces)
    assert last["error"]["message"].startswith("the runtime failed: simulated failure")
    assert live.metric("llm_requests_total", model=MODEL, route="/generate", outcome="error") == 1
