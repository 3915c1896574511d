"""POST /generate, plain and streamed."""

import json
from typing import Any

import pytest

from tests.api.conftest import MODEL, Open, Serve

DONE = {
    "done": True,
    "done_reason": "length",
    "load_duration": 2_000_000,
    "prompt_eval_count": 7,
    "eval_count": 3,
    "eval_duration": 1_000_000,
}


async def test_a_plain_answer_has_the_text_the_tokens_and_where_its_time_went(open_gateway: Open) -> None:
    opened = await open_gateway()
    route = opened.runtime.post("/api/generate").respond(json={"response": "Hello.", **DONE})
    answer = (await opened.http.post("/generate", json={"prompt": "Say hello."})).json()
    timings = answer.pop("timings")
    assert answer == {
        "model": MODEL,
        "response": "Hello.",
        "done": True,
        "done_reason": "length",
        "usage": {"prompt_tokens": 7, "generated_tokens": 3},
    }
    parts = sum(timings[f"{phase}_seconds"] for phase in ("queue", "load", "prefill", "decode"))
    assert abs(parts - timings["total_seconds"]) < 1e-5
    asked = json.loads(route.calls.last.request.content)
    assert asked == {
        "model": MODEL,
        "stream": False,
        "prompt": "Say hello.",
        "options": {"num_predict": opened.gateway.settings.max_output_tokens},
    }


async def test_a_streamed_answer_comes_as_lines_of_which_the_last_one_is_done(serve: Serve) -> None:
    live = await serve(behavior={"first_token_seconds": 0.05, "token_seconds": 0.01})
    body = {"prompt": "Say hello.", "stream": True, "options": {"num_predict": 5}}
    async with live.http.stream("POST", "/generate", json=body) as answer:
        assert answer.headers["content-type"] == "application/x-ndjson"
        lines: list[dict[str, Any]] = [json.loads(line) async for line in answer.aiter_lines()]
    *pieces, last = lines
    assert [piece["done"] for piece in pieces] == [False] * 5
    assert (last["done"], last["usage"]["generated_tokens"]) == (True, 5)
    timings = last["timings"]
    parts = sum(timings[f"{phase}_seconds"] for phase in ("queue", "load", "prefill", "decode"))
    assert abs(parts - timings["total_seconds"]) < 1e-5
    assert 0 < timings["time_to_first_token_seconds"] < timings["total_seconds"]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_the_runtime_ends_in_good_order_without_a_last_line_is_one(
    serve: Serve, stream: bool
) -> None:
    live = await serve()
    await live.simulate(fault={"kind": "unfinished", "after_tokens": 3})
    answer = await live.http.post("/generate", json={"prompt": "Say hello.", "stream": stream})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert "".join(line["response"] for line in lines).count(" ") == 3
    assert (lines[-1]["done"], lines[-1]["done_reason"]) == (True, "stop")


async def test_a_server_that_stops_waiting_ends_a_stream_with_a_word(serve: Serve) -> None:
    live = await serve(behavior={"token_seconds": 0.02, "tokens": 10_000})
    async with live.http.stream("POST", "/generate", json={"prompt": "Say hello.", "stream": True}) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        live.server.force_exit = False
        live.server.should_exit = True  # its patience is a second
        last = [json.loads(line) async for line in lines][-1]
    assert last["error"]["code"] == "shutting_down"
