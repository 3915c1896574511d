"""Timeouts for the first token, between tokens and for the whole request; each ends the generation."""

import json
from typing import Any

import pytest

from tests.api.support.errors import error_of
from tests.api.support.live import Live, Serve
from tests.api.support.sockets import runtime_answering

# Limits that begin with the request are 1 s or more: even on a busy machine, the runtime has got it by then.
HANG = {"kind": "hang"}


async def generate(live: Live, *, stream: bool) -> tuple[int, list[dict[str, Any]]]:
    response = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
    if response.status_code != 200:
        error_of(response, 504, "timeout")
    state = await live.simulator_reaches(running=0, cancelled=1)
    assert state["record"][0]["phase"] in ("prefill", "decode")
    assert live.outcomes("timeout") == 1
    assert live.metric("llm_requests_running") == 0
    return response.status_code, [json.loads(line) for line in response.text.splitlines()]


async def test_a_late_first_token_is_a_504(serve: Serve) -> None:
    live = await serve(first_token_timeout_seconds=1)
    await live.simulate(fault=HANG)
    status, (body,) = await generate(live, stream=True)
    assert status == 504
    assert body["error"]["message"] == "the runtime sent no first token within 1 s"


async def test_a_late_next_token_ends_the_stream_with_an_error_event(serve: Serve) -> None:
    live = await serve(between_tokens_timeout_seconds=0.2)
    await live.simulate(fault=HANG | {"after_tokens": 1})
    status, (piece, last) = await generate(live, stream=True)
    assert (status, piece["done"]) == (200, False)
    assert last["error"]["code"] == "timeout"
    assert last["error"]["message"] == "the runtime sent no next token within 0.2 s"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_past_its_deadline_is_a_504(serve: Serve, stream: bool) -> None:
    live = await serve(request_timeout_seconds=1)
    await live.simulate(fault=HANG)
    status, (body,) = await generate(live, stream=stream)
    assert status == 504
    assert body["error"]["message"] == "the request was still generating after 1 s"


async def test_a_stream_past_its_deadline_ends_with_an_error_event(serve: Serve) -> None:
    live = await serve(request_timeout_seconds=1.5)
    await live.simulate(fault=HANG | {"after_tokens": 1})
    status, (piece, last) = await generate(live, stream=True)
    assert (status, piece["done"]) == (200, False)
    assert last["error"]["message"] == "the request was still generating after 1.5 s"


async def test_a_plain_response_has_no_timeout_for_its_first_token(serve: Serve) -> None:
    live = await serve(first_token_timeout_seconds=0.05, behavior={"first_token_seconds": 0.2})
    assert (await live.http.post("/generate", json={"prompt": "Hello"})).status_code == 200


async def test_a_client_that_reads_late_does_not_cause_a_token_timeout(serve: Serve) -> None:
    """Its response waits at the gateway for longer than the timeout between tokens, until the deadline."""
    line = json.dumps({"response": "x" * 100_000, "done": False}).encode() + b"\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n"
    async with runtime_answering(head + line * 300) as url:
        live = await serve(runtime_url=url, between_tokens_timeout_seconds=0.5, request_timeout_seconds=1)
        body = {"prompt": "Hello", "stream": True}
        async with live.http.stream("POST", "/generate", json=body) as response:
            await live.admission_reaches(running=0, waiting=0)
            *_, last = [json.loads(line) async for line in response.aiter_lines()]
    assert last["error"]["message"] == "the request was still generating after 1 s"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_runtime_that_drops_the_connection_has_failed(serve: Serve, stream: bool) -> None:
    live = await serve()
    await live.simulate(fault={"kind": "drop"})
    response = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
    error_of(response, 502, "runtime_lost")
    await live.simulate(fault={"kind": "drop", "after_tokens": 2})
    response = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert (response.status_code, len(lines)) == ((200, 3) if stream else (502, 1))
    assert lines[-1]["error"]["code"] == "runtime_lost"
    assert live.outcomes("error") == 2


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("error", 502, "model_crashed"),
        ("not_found", 404, "model_not_found"),
        ("cancelled", 502, "runtime_error"),
        ("busy", 503, "runtime_busy"),
    ],
)
async def test_a_fault_of_the_runtime_fails_one_request_and_not_the_next(
    serve: Serve, kind: str, status: int, code: str
) -> None:
    live = await serve(max_running=1, max_waiting=0)
    for stream in (False, True):
        await live.simulate(fault={"kind": kind})
        response = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
        error_of(response, status, code)
        response = await live.http.post("/generate", json={"prompt": "Hello", "stream": stream})
        assert response.status_code == 200


async def test_an_error_line_during_a_stream_is_an_error_event_and_counted_as_an_error(
    serve: Serve,
) -> None:
    live = await serve()
    await live.simulate(fault={"kind": "error", "after_tokens": 3})
    response = await live.http.post("/generate", json={"prompt": "Hello", "stream": True})
    *pieces, last = [json.loads(line) for line in response.text.splitlines()]
    assert all(piece["done"] is False for piece in pieces)
    assert last["error"]["message"].startswith("the runtime failed: simulated failure")
    assert live.outcomes("error") == 1
