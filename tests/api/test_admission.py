"""Admission: which requests run, which wait, and which are refused."""

import asyncio
import json
from time import perf_counter
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_api.admission import Admission
from llm_api.errors import QueueFullError

from tests.api.support.errors import error_of
from tests.api.support.in_process import InProcess, Open
from tests.api.support.live import Serve, admission_reaches
from tests.api.support.requests import generate
from tests.api.support.sockets import post
from tests.waiting import equals, until, within


class Gate:
    """A runtime that holds each generation until its prompt is released."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._released: dict[str, asyncio.Event] = {}

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        prompt = json.loads(request.content)["prompt"]
        self.asked.append(prompt)
        await within(f"the release of prompt {prompt}", self._event(prompt).wait())
        return httpx.Response(200, json={"response": prompt, "done": True, "eval_count": 1})

    async def release(self, prompt: str) -> None:
        """Let the runtime answer this prompt, once it has been asked."""
        await until(f"prompt {prompt} at the runtime", lambda: self.asked, lambda asked: prompt in asked)
        self._event(prompt).set()

    def _event(self, prompt: str) -> asyncio.Event:
        return self._released.setdefault(prompt, asyncio.Event())


def gauges(app: InProcess) -> tuple[float | None, ...]:
    return tuple(app.metric(f"llm_requests_{name}") for name in ("running", "waiting"))


async def test_two_run_three_wait_in_order_and_the_sixth_is_refused_at_once(open_gateway: Open) -> None:
    app = await open_gateway(max_running=2, max_waiting=3)
    gate = Gate()
    app.runtime.post("/api/generate").mock(side_effect=gate)
    clients = []
    for number in range(5):
        clients.append(asyncio.create_task(app.http.post("/generate", json={"prompt": str(number)})))
        await admission_reaches(app.gateway, running=min(number + 1, 2), waiting=max(0, number - 1))
    assert gauges(app) == (2, 3)

    refused = await app.http.post("/generate", json={"prompt": "5"})
    error_of(refused, 503, "queue_full")
    assert refused.headers["retry-after"] == "1"  # no generation has been measured yet

    for number, client in enumerate(clients):
        await gate.release(str(number))
        assert (await client).json()["response"] == str(number)
    assert gate.asked == ["0", "1", "2", "3", "4"]
    assert gauges(app) == (0, 0)
    assert (app.outcomes("ok"), app.outcomes("rejected")) == (5, 1)


async def test_retry_after_follows_from_how_long_generations_take(
    open_gateway: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = await open_gateway(max_running=1, max_waiting=0, request_timeout_seconds=100_000)
    skew = 0.0
    monkeypatch.setattr("llm_api.gateway.clock", lambda: perf_counter() + skew)

    def take_1000_seconds(_: httpx.Request) -> httpx.Response:
        nonlocal skew
        skew += 1000
        return httpx.Response(200, json={"response": "Hello", "done": True})

    app.runtime.post("/api/generate").mock(side_effect=take_1000_seconds)
    assert (await generate(app)).status_code == 200
    async with app.gateway.admission:
        refused = await app.http.post("/generate", json={"prompt": "Hello"})
    assert 1000 <= int(refused.headers["retry-after"]) <= 1120


async def test_retry_after_grows_with_the_queue_and_shrinks_with_the_slots() -> None:
    admission = Admission(max_running=2, max_waiting=9)
    assert admission.retry_after() == 1
    admission.observe(10)
    assert admission.retry_after() == 5
    admission.observe(20)  # moves the average a fifth of the way, to 12
    assert admission.retry_after() == 6
    tasks = [asyncio.create_task(hold(admission)) for _ in range(5)]
    await until("three waiting requests", lambda: admission.waiting, equals(3))
    assert admission.retry_after() == 24
    for task in tasks:
        task.cancel()
    await within("the requests to end", asyncio.gather(*tasks, return_exceptions=True))
    assert (admission.running, admission.waiting) == (0, 0)


async def hold(admission: Admission) -> None:
    async with admission:
        await asyncio.Event().wait()


async def test_a_request_that_waits_past_its_deadline_gets_504_and_never_reaches_the_runtime(
    open_gateway: Open,
) -> None:
    app = await open_gateway(max_running=1, max_waiting=1, request_timeout_seconds=0.05)
    route = app.runtime.post("/api/generate")
    async with app.gateway.admission:
        response = await app.http.post("/generate", json={"prompt": "Hello"})
        assert gauges(app) == (1, 0)
    error = error_of(response, 504, "timeout")
    assert error["message"] == "the request was still waiting in the queue after 0.05 s"
    assert error["param"] is None
    assert not route.called
    assert app.outcomes("timeout") == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_while_it_waits_frees_its_place_in_the_queue(
    serve: Serve, stream: bool
) -> None:
    live = await serve(max_running=1, max_waiting=1)
    async with live.gateway.admission:
        leaving = await post(live.url, {"prompt": "Hello", "stream": stream})
        await live.admission_reaches(running=1, waiting=1)
        leaving.close()
        await live.admission_reaches(running=1, waiting=0)
        staying = asyncio.create_task(live.http.post("/generate", json={"prompt": "Hello"}))
        await live.admission_reaches(running=1, waiting=1)
    assert (await staying).status_code == 200
    state = await live.simulator()
    assert (state["completed"], state["cancelled"]) == (1, 0)
    assert live.outcomes("cancelled") == 1


Move = tuple[str, int]
MOVES = st.lists(
    st.tuples(st.sampled_from(["arrive", "arrive", "leave", "finish", "yield"]), st.integers(0, 20)),
    max_size=60,
)


@given(moves=MOVES, max_running=st.integers(1, 3), max_waiting=st.integers(0, 4))
def test_no_limit_is_exceeded_no_slot_lost_and_nobody_overtaken_whoever_leaves_when(
    moves: list[Move], max_running: int, max_waiting: int
) -> None:
    asyncio.run(play(moves, Admission(max_running, max_waiting)))


async def play(moves: list[Move], admission: Admission) -> None:
    """Let requests arrive, leave and finish in the order of `moves`; then let all of them finish."""
    tasks: list[asyncio.Task[str]] = []
    finish: list[asyncio.Event] = []
    running: set[int] = set()
    entered: list[int] = []

    async def request(number: int) -> str:
        try:
            async with admission:
                running.add(number)
                entered.append(number)
                try:
                    await finish[number].wait()
                finally:
                    running.remove(number)
        except QueueFullError:
            assert admission.waiting == admission.max_waiting
            return "refused"
        return "served"

    for move, choice in moves:
        if move == "arrive":
            finish.append(asyncio.Event())
            tasks.append(asyncio.create_task(request(len(tasks))))
        elif move == "yield":
            await asyncio.sleep(0)
        elif tasks and move == "leave":
            tasks[choice % len(tasks)].cancel()
        elif finish:
            finish[choice % len(finish)].set()
        assert len(running) <= admission.running <= admission.max_running
        assert admission.waiting <= admission.max_waiting
    for event in finish:
        event.set()
    ends: list[Any] = await within("all requests to end", asyncio.gather(*tasks, return_exceptions=True))
    assert all(end in ("served", "refused") or isinstance(end, asyncio.CancelledError) for end in ends)
    assert entered == sorted(entered)
    assert (admission.running, admission.waiting) == (0, 0)
