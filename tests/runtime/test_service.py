"""The service as its clients see it: faults, cancellation, state."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from .conftest import Serve

WISH = {"model": "smollm2:135m", "prompt": "Hello"}
PLAIN = WISH | {"stream": False}
SLOW = {"token_seconds": 3600}


async def lines(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) async for line in answer.aiter_lines()]


@pytest.mark.parametrize(
    ("kind", "status"), [("not_found", 404), ("cancelled", 499), ("busy", 503), ("error", 500)]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_fault_before_the_first_token_is_a_status(
    serve: Serve, kind: str, status: int, stream: bool
) -> None:
    service = await serve()
    await service.http.post("/simulator", json={"fault": {"kind": kind}})
    answer = await service.http.post("/api/generate", json=WISH | {"stream": stream})
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert (await service.http.post("/api/generate", json=PLAIN)).status_code == 200


async def test_a_fault_in_a_begun_stream_is_its_last_line(serve: Serve) -> None:
    service = await serve()
    await service.http.post("/simulator", json={"fault": {"kind": "error", "after_tokens": 3}})
    async with service.http.stream("POST", "/api/generate", json=WISH) as answer:
        assert answer.status_code == 200
        received = await lines(answer)
    assert [set(line) == {"error"} for line in received] == [False, False, False, True]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("after", [0, 3])
async def test_a_dropped_connection_ends_without_the_end_of_the_answer(
    serve: Serve, stream: bool, after: int
) -> None:
    service = await serve()
    await service.http.post("/simulator", json={"fault": {"kind": "drop", "after_tokens": after}})
    with pytest.raises(httpx.RemoteProtocolError):
        await service.http.post("/api/generate", json=WISH | {"stream": stream})
    await service.reaches(failed=1, running=0)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_unfinished_answer_ends_in_good_order_without_its_last_line(
    serve: Serve, stream: bool
) -> None:
    service = await serve()
    await service.http.post("/simulator", json={"fault": {"kind": "unfinished", "after_tokens": 3}})
    answer = await service.http.post("/api/generate", json=WISH | {"stream": stream})
    received = await lines(answer)
    assert answer.status_code == 200
    assert [line["done"] for line in received] == [False] * (3 if stream else 1)
    assert "".join(line["response"] for line in received)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hang_lasts_until_the_client_leaves(serve: Serve, stream: bool) -> None:
    service = await serve()
    await service.http.post("/simulator", json={"fault": {"kind": "hang", "after_tokens": 2}})
    with pytest.raises(httpx.ReadTimeout):
        await service.http.post("/api/generate", json=WISH | {"stream": stream}, timeout=0.2)
    state = await service.reaches(cancelled=1, running=0)
    assert [(entry["phase"], entry["generated_tokens"]) for entry in state["record"]] == [("decode", 2)]


@pytest.mark.parametrize("route", ["/api/generate", "/api/chat"])
@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_ends_the_work_and_lets_the_next_in(serve: Serve, route: str, stream: bool) -> None:
    service = await serve(**SLOW)
    wish = WISH | {"stream": stream, "messages": [{"role": "user", "content": "Hello"}]}
    first, second = [asyncio.create_task(service.http.post(route, json=wish)) for _ in range(2)]
    await service.reaches(running=1, waiting=1)
    first.cancel()
    await service.reaches(running=1, waiting=0, cancelled=1)
    second.cancel()
    state = await service.reaches(running=0, waiting=0, cancelled=2)
    assert [entry["phase"] for entry in state["record"]] == ["decode", "decode"]


async def test_a_server_that_stops_ends_its_streams_with_an_error(serve: Serve) -> None:
    service = await serve(**SLOW)
    async with service.http.stream("POST", "/api/generate", json=WISH) as answer:
        service.server.should_exit = True
        assert (await lines(answer))[-1] == {"error": "the runtime is stopping"}


async def test_a_server_that_stops_refuses_whom_it_has_told_nothing(serve: Serve) -> None:
    service = await serve(**SLOW)
    asking = asyncio.create_task(service.http.post("/api/generate", json=PLAIN))
    await service.reaches(running=1)
    service.server.should_exit = True
    answer = await asking
    assert (answer.status_code, answer.json()) == (503, {"error": "the runtime is stopping"})


async def test_a_hundred_leavers_leave_nothing_behind(serve: Serve) -> None:
    service = await serve(slots=4, **SLOW)
    tasks = [asyncio.create_task(service.http.post("/api/generate", json=WISH)) for _ in range(100)]
    await service.reaches(running=4, waiting=96)
    for task in tasks:
        task.cancel()
    state = await service.reaches(running=0, waiting=0, cancelled=100)
    assert {entry["phase"] for entry in state["record"]} == {"decode", "waiting"}


async def test_64_streams_of_100_tokens_come_whole(serve: Serve) -> None:
    service = await serve(slots=64)

    async def stream() -> int:
        wish = WISH | {"options": {"num_predict": 100}}
        async with service.http.stream("POST", "/api/generate", json=wish) as answer:
            return len(await lines(answer))

    assert await asyncio.gather(*[stream() for _ in range(64)]) == [101] * 64
    assert (await service.state())["generated_tokens"] == 6400


async def test_it_is_alive_but_not_ready_while_the_model_loads(serve: Serve) -> None:
    service = await serve(wait=False, load_seconds=3600)
    assert (await service.http.get("/")).status_code == 200
    answer = await service.http.get("/ready")
    assert (answer.status_code, answer.json()) == (503, {"error": "the model is loading"})
    assert (await service.http.get("/api/ps")).json() == {"models": []}


async def test_settings_of_the_simulator_change_what_is_named(serve: Serve) -> None:
    service = await serve(tokens=9)
    answer = await service.http.post("/simulator", json={"behavior": {"slots": 5}})
    assert (answer.json()["behavior"]["slots"], answer.json()["behavior"]["tokens"]) == (5, 9)
    for wrong in ({"behavior": {"slots": 0}}, {"behavior": {"no": 1}}, {"fault": {"kind": "no"}}, {"no": 1}):
        assert (await service.http.post("/simulator", json=wrong)).status_code == 422
    await service.http.post("/simulator", json={"fault": {"kind": "busy", "times": None}})
    await service.http.post("/simulator", json={"behavior": {}})
    assert (await service.state())["fault"]["kind"] == "busy"
    await service.http.post("/simulator", json={"fault": None})
    assert (await service.state())["fault"] is None


async def test_the_metrics_tell_running_waiting_and_cancelled(serve: Serve) -> None:
    service = await serve(**SLOW)
    tasks = [asyncio.create_task(service.http.post("/api/generate", json=WISH)) for _ in range(3)]
    await service.reaches(running=1, waiting=2)
    tasks[2].cancel()
    await service.reaches(waiting=1)
    text = (await service.http.get("/metrics")).text.splitlines()
    assert "llm_runtime_requests_running 1.0" in text
    assert "llm_runtime_requests_waiting 1.0" in text
    assert "llm_runtime_cancelled_total 1.0" in text
    for task in tasks:
        task.cancel()
    await service.reaches(running=0, waiting=0)


async def test_text_is_utf_8_in_every_line(serve: Serve) -> None:
    service = await serve()
    async with service.http.stream("POST", "/api/generate", json=WISH) as answer:
        parts = [part.decode() async for part in answer.aiter_raw()]
    assert "🙂" in "".join(parts)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"images": ["aGk="]}, "images"),
        ({"format": "json"}, "a structured format"),
        ({"context": [1]}, "the context field"),
        ({"template": "{{ .Prompt }}"}, "a template in the request"),
        ({"logprobs": True}, "logprobs"),
    ],
)
async def test_what_no_engine_here_can_do_is_refused(
    serve: Serve, wish: dict[str, Any], message: str
) -> None:
    service = await serve()
    answer = await service.http.post("/api/generate", json=WISH | wish)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": f'"smollm2:135m" does not support {message}'},
    )
