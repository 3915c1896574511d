"""POST /generate, plain and streamed."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.api.support.in_process import MODEL, Open
from tests.api.support.live import Serve
from tests.api.support.requests import ndjson

DONE = {
    "done": True,
    "done_reason": "length",
    "load_duration": 2_000_000,
    "prompt_eval_count": 7,
    "eval_count": 3,
    "eval_duration": 1_000_000,
}


async def test_a_plain_response_has_the_text_the_token_counts_and_the_timings(open_gateway: Open) -> None:
    app = await open_gateway()
    route = app.runtime.post("/api/generate").respond(json={"response": "Hello.", **DONE})
    response = (await app.http.post("/generate", json={"prompt": "Say hello."})).json()
    timings = response.pop("timings")
    assert response == {
        "model": MODEL,
        "response": "Hello.",
        "done": True,
        "done_reason": "length",
        "usage": {"prompt_tokens": 7, "generated_tokens": 3},
    }
    parts = sum(timings[f"{phase}_seconds"] for phase in ("queue", "load", "prefill", "decode"))
    assert abs(parts - timings["total_seconds"]) < 1e-5
    assert json.loads(route.calls.last.request.content) == {
        "model": MODEL,
        "stream": False,
        "prompt": "Say hello.",
        "options": {"num_predict": app.gateway.settings.max_output_tokens},
    }


async def test_a_streamed_response_is_lines_of_which_only_the_last_is_done(serve: Serve) -> None:
    live = await serve(behavior={"first_token_seconds": 0.05, "token_seconds": 0.01})
    body = {"prompt": "Say hello.", "stream": True, "options": {"num_predict": 5}}
    async with live.http.stream("POST", "/generate", json=body) as response:
        assert response.headers["content-type"] == "application/x-ndjson"
        lines: list[dict[str, Any]] = [json.loads(line) async for line in response.aiter_lines()]
    *pieces, last = lines
    assert [piece["done"] for piece in pieces] == [False] * 5
    assert (last["done"], last["usage"]["generated_tokens"]) == (True, 5)
    timings = last["timings"]
    parts = sum(timings[f"{phase}_seconds"] for phase in ("queue", "load", "prefill", "decode"))
    assert abs(parts - timings["total_seconds"]) < 1e-5
    assert 0 < timings["time_to_first_token_seconds"] < timings["total_seconds"]


async def test_a_model_that_thinks_is_not_silent_and_thinking_is_the_first_token(open_gateway: Open) -> None:
    app = await open_gateway()

    async def lines() -> AsyncIterator[bytes]:
        yield b'{"response":"","thinking":"Let me ","done":false}\n'
        await asyncio.sleep(0.05)
        yield ndjson({"response": "", "thinking": "see.", "done": False}).encode()
        yield ndjson({"response": "Hello.", "done": False}, {"response": "", **DONE}).encode()

    route = app.runtime.post("/api/generate")
    route.mock(side_effect=lambda _: httpx.Response(200, content=lines()))
    body = {"prompt": "Say hello.", "stream": True, "think": "low"}
    response = await app.http.post("/generate", json=body)
    *pieces, last = [json.loads(line) for line in response.text.splitlines()]
    assert [(piece.get("thinking"), piece["response"]) for piece in pieces] == [
        ("Let me ", ""),
        ("see.", ""),
        (None, "Hello."),
    ]
    assert last["timings"]["decode_seconds"] >= 0.05
    assert json.loads(route.calls.last.request.content)["think"] == "low"


async def test_a_plain_response_has_what_the_model_thought(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(json={"response": "Hello.", "thinking": "Hm.", **DONE})
    response = (await app.http.post("/generate", json={"prompt": "Say hello."})).json()
    assert (response["response"], response["thinking"]) == ("Hello.", "Hm.")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_that_the_runtime_ends_without_a_last_line_is_complete(
    serve: Serve, stream: bool
) -> None:
    live = await serve()
    await live.simulate(fault={"kind": "unfinished", "after_tokens": 3})
    response = await live.http.post("/generate", json={"prompt": "Say hello.", "stream": stream})
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert "".join(line["response"] for line in lines).count(" ") == 3
    assert (lines[-1]["done"], lines[-1]["done_reason"]) == (True, "stop")


async def test_a_server_that_stops_waiting_ends_a_stream_with_an_error(serve: Serve) -> None:
    live = await serve(behavior={"token_seconds": 0.02, "tokens": 10_000})
    async with live.http.stream(
        "POST", "/generate", json={"prompt": "Say hello.", "stream": True}
    ) as response:
        lines = response.aiter_lines()
        await anext(lines)
        live.server.force_exit = False
        live.server.should_exit = True  # it waits for requests for one second
        last = [json.loads(line) async for line in lines][-1]
    assert last["error"]["code"] == "shutting_down"
