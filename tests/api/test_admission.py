"""Admission: who runs, who waits, who is refused."""

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

from tests.api.conftest import MODEL, InProcess, Open, Serve, until
from tests.api.support.wire import ask


class Gate:
    """In the runtime's place: holds each generation until its door is opened."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.doors: dict[str, asyncio.Event] = {}

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        prompt = json.loads(request.content)["prompt"]
        self.asked.append(prompt)
        await self.doors.setdefault(prompt, asyncio.Event()).wait()
        return httpx.Response(200, json={"response": prompt, "done": True, "eval_count": 1})

    async def was_asked(self, prompt: str) -> None:
        await until(lambda: prompt in self.asked)


async def reaches(admission: Admission, *, running: int, waiting: int) -> None:
    await until(lambda: (admission.running, admission.waiting) == (running, waiting))


def gauges(opened: InProcess) -> tuple[float | None, ...]:
    registry = opened.gateway.metrics.registry
    return tuple(registry.get_sample_value(f"llm_requests_{name}") for name in ("running", "waiting"))


async def test_two_run_three_wait_in_order_and_the_sixth_is_refused_at_once(open_gateway: Open) -> None:
    opened = await open_gateway(max_running=2, max_waiting=3)
    gate, admission = Gate(), opened.gateway.admission
    opened.runtime.post("/api/generate").mock(side_effect=gate)
    clients = []
    for number in range(5):
        clients.append(asyncio.create_task(opened.http.post("/generate", json={"prompt": str(number)})))
        await reaches(admission, running=min(number + 1, 2), waiting=max(0, number - 1))
    assert gauges(opened) == (2, 3)

    refused = await opened.http.post("/generate", json={"prompt": "5"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "queue_full")
    assert refused.headers["retry-after"] == "1"  # nothing was measured yet

    for number, client in enumerate(clients):
        await gate.was_asked(str(number))
        gate.doors[str(number)].set()
        assert (await client).json()["response"] == str(number)
    assert gate.asked == ["0", "1", "2", "3", "4"]
    assert gauges(opened) == (0, 0)
    metric = opened.gateway.metrics.registry.get_sample_value
    for outcome, count in (("ok", 5), ("rejected", 1)):
        labels = {"model": MODEL, "route": "/generate", "outcome": outcome}
        assert metric("llm_requests_total", labels) == count


async def test_a_refusal_says_when_to_come_back_by_the_time_that_generations_take(
    open_gateway: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await open_gateway(max_running=1, max_waiting=0, request_timeout_seconds=100_000)
    skew = 0.0
    monkeypatch.setattr("llm_api.gateway.clock", lambda: perf_counter() + skew)

    def slowly(_: httpx.Request) -> httpx.Response:
        nonlocal skew
        skew += 1000
        return httpx.Response(200, json={"response": "Hello", "done": True})

    opened.runtime.post("/api/generate").mock(side_effect=slowly)
    assert (await opened.http.post("/generate", json={"prompt": "Hello"})).status_code == 200
    async with opened.gateway.admission.slot():
        refused = await opened.http.post("/generate", json={"prompt": "Hello"})
    assert 1000 <= int(refused.headers["retry-after"]) <= 1120


async def test_the_time_to_come_back_grows_with_the_queue_and_shrinks_with_the_places() -> None:
    admission = Admission(max_running=2, max_waiting=9)
    assert admission.retry_after() == 1
    admission.observe(10)
    assert admission.retry_after() == 5
    admission.observe(20)  # the mean moves a fifth of the way: to 12
    assert admission.retry_after() == 6
    tasks = [asyncio.create_task(hold(admission, asyncio.Event())) for _ in range(5)]
    await until(lambda: admission.waiting == 3)
    assert admission.retry_after() == 24
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (admission.running, admission.waiting) == (0, 0)


async def hold(admission: Admission, door: asyncio.Event) -> None:
    async with admission.slot():
        await door.wait()


async def test_a_waiter_past_its_deadline_gets_504_and_never_reaches_the_runtime(open_gateway: Open) -> None:
    opened = await open_gateway(max_running=1, max_waiting=1, request_timeout_seconds=0.05)
    route = opened.runtime.post("/api/generate")
    async with opened.gateway.admission.slot():
        answer = await opened.http.post("/generate", json={"prompt": "Hello"})
        assert gauges(opened) == (1, 0)
    assert answer.status_code == 504
    assert answer.json()["error"] == {
        "message": "the request was still waiting in the queue after 0.05 s",
        "type": "server_error",
        "param": None,
        "code": "timeout",
    }
    assert not route.called
    labels = {"model": MODEL, "route": "/generate", "outcome": "timeout"}
    assert opened.gateway.metrics.registry.get_sample_value("llm_requests_total", labels) == 1


@pytest.mark.parametrize("stream", [True, False])
async def test_a_waiter_whose_client_leaves_frees_its_place_in_the_queue(serve: Serve, stream: bool) -> None:
    live = await serve(max_running=1, max_waiting=1)
    admission = live.gateway.admission
    async with admission.slot():
        leaving = await ask(live.url, {"prompt": "Hello", "stream": stream})
        await until(lambda: admission.waiting == 1)
        leaving.close()
        await until(lambda: admission.waiting == 0)
        staying = asyncio.create_task(live.http.post("/generate", json={"prompt": "Hello"}))
        await until(lambda: admission.waiting == 1)
    assert (await staying).status_code == 200
    state = await live.simulator()
    assert (state["completed"], state["cancelled"]) == (1, 0)
    assert live.metric("llm_requests_total", model=MODEL, route="/generate", outcome="cancelled") == 1


Move = tuple[str, int]
MOVES = st.lists(
    st.tuples(st.sampled_from(["arrive", "arrive", "leave", "finish", "breathe"]), st.integers(0, 20)),
    max_size=60,
)


@given(moves=MOVES, max_running=st.integers(1, 3), max_waiting=st.integers(0, 4))
def test_never_more_run_than_may_and_none_is_lost_whoever_leaves_when(
    moves: list[Move], max_running: int, max_waiting: int
) -> None:
    asyncio.run(play(moves, Admission(max_running, max_waiting)))


async def play(moves: list[Move], admission: Admission) -> None:
    """Visitors come, leave and finish as the moves say; in the end all doors open."""
    tasks: list[asyncio.Task[str]] = []
    doors: list[asyncio.Event] = []
    inside: set[int] = set()
    entered: list[int] = []

    async def visit(number: int) -> str:
        try:
            async with admission.slot():
                inside.add(number)
                entered.append(number)
                try:
                    await doors[number].wait()
                finally:
                    inside.remove(number)
        except QueueFullError:
            assert admission.waiting == admission.max_waiting
            return "refused"
        return "served"

    for move, choice in moves:
        if move == "arrive":
            doors.append(asyncio.Event())
            tasks.append(asyncio.create_task(visit(len(tasks))))
        elif move == "breathe":
            await asyncio.sleep(0)
        elif tasks and move == "leave":
            tasks[choice % len(tasks)].cancel()
        elif doors:
            doors[choice % len(doors)].set()
        assert len(inside) <= admission.running <= admission.max_running
        assert admission.waiting <= admission.max_waiting
    for door in doors:
        door.set()
    ends: list[Any] = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
    assert all(end in ("served", "refused") or isinstance(end, asyncio.CancelledError) for end in ends)
    assert entered == sorted(entered)
    assert (admission.running, admission.waiting) == (0, 0)
