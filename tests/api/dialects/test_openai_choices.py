"""Several answers to one request: generations of their own, merged into one answer or stream."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.api.support.errors import error_of, error_summary
from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.live import Serve
from tests.api.support.requests import BODIES, DONE, chat, ndjson

PATH = "/v1/chat/completions"


def answering(request: httpx.Request) -> httpx.Response:
    """Answer with the seed, in two pieces."""
    body = json.loads(request.content)
    seed = body["options"].get("seed")
    lines: list[dict[str, Any]] = [{"message": {"content": "Seed "}}, {"message": {"content": str(seed)}}]
    if not body["stream"]:
        return httpx.Response(200, json={"message": {"content": f"Seed {seed}"}, **DONE})
    return httpx.Response(200, text=ndjson(*lines, {"message": {"content": ""}, **DONE}))


@pytest.fixture
async def app(open_gateway: Open) -> InProcess:
    app = await open_gateway(max_running=2, max_choices=3)
    app.runtime.post("/api/chat").mock(side_effect=answering)
    return app


async def test_each_choice_has_its_index_and_its_seed_and_the_usage_is_that_of_all(app: InProcess) -> None:
    response = (await chat(app, n=3, seed=5)).json()
    found = [(choice["index"], choice["message"]["content"]) for choice in response["choices"]]
    assert found == [(0, "Seed 5"), (1, "Seed 6"), (2, "Seed 7")]
    assert response["usage"] == {"prompt_tokens": 7, "completion_tokens": 6, "total_tokens": 13}
    parts = sum(response["timings"][f"{phase}_seconds"] for phase in ("queue", "load", "prefill", "decode"))
    assert parts == pytest.approx(response["timings"]["total_seconds"], abs=1e-5)


async def test_a_stream_has_the_events_of_all_choices_and_one_end(app: InProcess) -> None:
    response = await chat(app, n=3, seed=5, stream=True, stream_options={"include_usage": True})
    *events, done, rest = response.text.split("\n\n")
    assert (done, rest) == ("data: [DONE]", "")
    *chunks, last = [json.loads(event.removeprefix("data: ")) for event in events]
    assert (last["choices"], last["usage"]["completion_tokens"]) == ([], 6)
    choices = [chunk["choices"][0] for chunk in chunks]
    for index in range(3):
        own = [choice for choice in choices if choice["index"] == index]
        assert own[0]["delta"] == {"role": "assistant", "content": ""}
        assert "".join(choice["delta"].get("content", "") for choice in own) == f"Seed {5 + index}"
        assert [choice["finish_reason"] for choice in own] == [None] * 3 + ["stop"]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_metrics_count_one_request_and_every_generation(app: InProcess, stream: bool) -> None:
    await chat(app, n=3, stream=stream)
    assert app.outcomes("ok", PATH) == 1
    assert app.metric("llm_inference_seconds_count", model=MODEL) == 3
    assert app.metric("llm_generated_tokens_total", model=MODEL) == 6


async def test_more_than_the_limit_is_a_400(app: InProcess) -> None:
    assert error_summary(await chat(app, n=4)) == (400, "invalid_value", "n")


@pytest.mark.parametrize("stream", [False, True])
async def test_choices_that_do_not_fit_in_the_queue_are_refused_together(
    open_gateway: Open, stream: bool
) -> None:
    app = await open_gateway(max_running=1, max_waiting=1)
    app.runtime.post("/api/chat").mock(side_effect=lambda _: asyncio.sleep(60))
    error_of(await chat(app, n=3, stream=stream), 503, "queue_full")
    assert (app.gateway.admission.running, app.gateway.admission.waiting) == (0, 0)
    assert app.outcomes("rejected", PATH) == 1


async def test_the_failure_of_one_choice_ends_the_others(open_gateway: Open) -> None:
    app = await open_gateway()
    answers = [httpx.Response(500, json={"error": "broken"}), httpx.Response(200, json={})]
    app.runtime.post("/api/chat").mock(side_effect=answers)
    error_of(await chat(app, n=2), 502, "runtime_error")
    assert app.gateway.admission.running == 0


async def test_a_client_that_leaves_ends_all_choices(serve: Serve) -> None:
    live = await serve(behavior={"token_seconds": 0.01, "tokens": 100_000, "slots": 4}, max_running=4)
    body = BODIES[PATH] | {"n": 3, "stream": True}
    async with live.http.stream("POST", PATH, json=body) as response:
        async for _ in response.aiter_lines():
            break
        await live.admission_reaches(running=3, waiting=0)
    await live.simulator_reaches(running=0, waiting=0)
    await live.admission_reaches(running=0, waiting=0)
    await live.outcomes_reach(1, "cancelled", PATH)
