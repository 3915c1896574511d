"""The phases of a request, in its response and in the histograms."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_api.errors import GatewayError, QueueFullError
from llm_api.record import Phases
from llm_api.upstream.chunk import Chunk
from llm_api.upstream.client import Job

from tests.api.support.in_process import MODEL, InProcess, Open
from tests.api.support.live import Serve
from tests.api.support.requests import generate, ndjson

PHASES = ("queue", "load", "prefill", "decode")
HISTOGRAMS = ("inference", *PHASES, "time_to_first_token", "time_per_output_token")
ROUNDING = 5e-6  # four parts and the total, each to the microsecond
NO_TOKENS: dict[str, Any] = {"response": "", "done": True, "done_reason": "stop", "prompt_eval_count": 7}


def check(timings: dict[str, Any]) -> None:
    """Check that the phases add up, that none is negative, and that they agree with the first token."""
    phases = [timings[f"{name}_seconds"] for name in PHASES]
    assert sum(phases) == pytest.approx(timings["total_seconds"], abs=ROUNDING)
    assert min(phases) >= 0
    first = timings["time_to_first_token_seconds"]
    if first is not None:
        assert timings["queue_seconds"] + timings["load_seconds"] <= first + ROUNDING
        assert first <= timings["total_seconds"] + ROUNDING


def observations(app: InProcess, name: str) -> float | None:
    return app.metric(f"llm_{name}_seconds_count", model=MODEL)


SECONDS = st.floats(0, 1000)


@given(
    arrived=st.floats(0, 1e6),
    steps=st.lists(SECONDS, max_size=3),
    load=st.floats(0, 1e9),
    plain=st.booleans(),
    decode=st.floats(0, 1e9),
)
def test_the_phases_add_up_wherever_a_request_ended(
    arrived: float, steps: list[float], load: float, plain: bool, decode: float
) -> None:
    """While it waited, before its first token, or after its last."""
    phases = Phases(arrived=arrived, runtime_load=load)
    moment = arrived
    for name, step in zip(("dispatched", "first_token"), steps, strict=False):
        moment += step
        setattr(phases, name, moment)
    phases.ended = moment + (steps[2] if len(steps) == 3 else 0)
    if plain and phases.dispatched is not None:
        phases.infer_first_token(decode)
    check(phases.as_timings())
    durations = phases.durations
    assert durations.total == pytest.approx(durations.queue + durations.inference)
    if phases.dispatched is None:
        assert durations.queue == durations.total


@pytest.mark.parametrize("stream", [False, True])
async def test_every_histogram_observes_the_timings_that_the_response_has(serve: Serve, stream: bool) -> None:
    live = await serve(behavior={"first_token_seconds": 0.01, "token_seconds": 0.01})
    body = {"prompt": "Say hello now.", "stream": stream, "options": {"num_predict": 5}}
    response = await live.http.post("/generate", json=body)
    last = json.loads(response.text.splitlines()[-1])
    timings = last["timings"]
    check(timings)
    assert timings["time_to_first_token_seconds"] > 0
    assert last["usage"] == {"prompt_tokens": 3, "generated_tokens": 5}
    for name in HISTOGRAMS:
        assert live.metric(f"llm_{name}_seconds_count", model=MODEL) == 1, name
    for name in (*PHASES, "time_to_first_token"):
        observed = live.metric(f"llm_{name}_seconds_sum", model=MODEL)
        assert observed == pytest.approx(timings[f"{name}_seconds"], abs=ROUNDING), name
    per_token = live.metric("llm_time_per_output_token_seconds_sum", model=MODEL)
    assert per_token == pytest.approx(timings["decode_seconds"] / 4, abs=ROUNDING)
    inference = live.metric("llm_inference_seconds_sum", model=MODEL)
    assert inference == pytest.approx(timings["total_seconds"] - timings["queue_seconds"], abs=ROUNDING)
    assert live.metric("llm_prompt_tokens_total", model=MODEL) == 3
    assert live.metric("llm_generated_tokens_total", model=MODEL) == 5


@pytest.mark.parametrize("stream", [False, True])
async def test_a_load_never_exceeds_the_wait_for_the_first_token(open_gateway: Open, stream: bool) -> None:
    app = await open_gateway()
    one_hour = {"response": "", "done": True, "load_duration": 3_600_000_000_000, "eval_count": 1}
    app.runtime.post("/api/generate").respond(text=ndjson({"response": "Hi", "done": False}, one_hour))
    response = await generate(app, stream=stream)
    timings = json.loads(response.text.splitlines()[-1])["timings"]
    check(timings)
    assert (timings["prefill_seconds"], timings["load_seconds"] > 0) == (0, True)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_without_tokens_has_no_time_to_first_token(open_gateway: Open, stream: bool) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(text=ndjson(NO_TOKENS))
    response = await generate(app, stream=stream)
    last = json.loads(response.text)
    check(last["timings"])
    assert last["timings"]["time_to_first_token_seconds"] is None
    assert last["usage"] == {"prompt_tokens": 7, "generated_tokens": 0}
    assert observations(app, "inference") == 1
    assert observations(app, "time_to_first_token") == observations(app, "time_per_output_token") == 0


async def test_a_response_of_one_token_has_no_time_per_output_token(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(text=ndjson(NO_TOKENS | {"response": "Hi", "eval_count": 1}))
    await generate(app)
    assert (observations(app, "time_to_first_token"), observations(app, "time_per_output_token")) == (1, 0)


async def test_a_refused_request_spent_all_of_its_time_in_the_queue(open_gateway: Open) -> None:
    app = await open_gateway(max_running=1, max_waiting=0)
    phases = Phases()
    async with app.gateway.admission:
        with pytest.raises(QueueFullError):
            await app.gateway.generate(Job("/api/generate", MODEL, {}, stream=False), phases, ignore)
    timings = phases.as_timings()
    check(timings)
    assert timings["queue_seconds"] == timings["total_seconds"]
    assert timings["time_to_first_token_seconds"] is None


async def test_a_failed_generation_is_observed_in_the_queue_but_not_in_inference(open_gateway: Open) -> None:
    app = await open_gateway()
    app.runtime.post("/api/generate").respond(500, json={"error": "broken"})
    phases = Phases()
    with pytest.raises(GatewayError):
        await app.gateway.generate(Job("/api/generate", MODEL, {}, stream=True), phases, ignore)
    check(phases.as_timings())
    await generate(app)
    assert observations(app, "queue") == 1
    assert observations(app, "inference") == observations(app, "decode") == 0


async def ignore(chunks: list[Chunk]) -> None:
    pass


async def test_the_buckets_fit_the_speed_of_a_cpu_and_the_alerts_thresholds(open_gateway: Open) -> None:
    app = await open_gateway()
    exposed = (await app.http.get("/metrics")).text
    for bucket in (
        'llm_time_to_first_token_seconds_bucket{le="2.5"',
        'llm_inference_seconds_bucket{le="120.0"',
        'llm_inference_seconds_bucket{le="240.0"',
        'llm_time_per_output_token_seconds_bucket{le="0.1"',
    ):
        assert f'{bucket},model="{MODEL}"}} 0.0' in exposed
