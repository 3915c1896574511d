"""Two replicas of the runtime behind one name: both work, and one that vanishes costs nothing."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from llm_api.upstream.replicas import Replica, Replicas
from llm_runtime.app import create_app as create_runtime
from llm_runtime.settings import Settings as RuntimeSettings

from tests.api.conftest import MODEL, Serve, Server, until
from tests.api.support.wire import free_port

needs_two_loopbacks = pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is there on Linux")
HOSTS = ("127.0.0.1", "127.0.0.2")
CLIENTS = 4


def replicas_with(*busy: int) -> Replicas:
    found = Replicas("http://runtime.test:11434", resolve=True)
    found.all = [Replica(f"http://10.0.0.{number}", busy=count) for number, count in enumerate(busy, 1)]
    return found


def test_the_least_busy_address_is_picked() -> None:
    found = replicas_with(2, 1, 3)
    assert found.pick([]) is found.all[1]
    assert found.pick([found.all[1]]) is found.all[0]
    assert found.pick(found.all) is None


def test_equally_busy_addresses_take_turns() -> None:
    found = replicas_with(0, 0, 0)
    picked = [found.pick([]) for _ in range(6)]
    assert picked == found.all * 2


def test_a_failing_address_is_the_last_choice_and_still_one() -> None:
    found = replicas_with(0, 5)
    found.all[0].failing = True
    assert found.pick([]) is found.all[1]
    assert found.pick([found.all[1]]) is found.all[0]


@given(st.lists(st.booleans(), min_size=1, max_size=50), st.integers(1, 4))
def test_whoever_comes_and_goes_no_address_is_more_than_one_busier(moves: list[bool], count: int) -> None:
    """As long as those leave that are on the busiest one, and none fails."""
    found = replicas_with(*[0] * count)
    for comes in moves:
        busiest = max(found.all, key=lambda replica: replica.busy)
        if comes:
            picked = found.pick([])
            assert picked is not None
            picked.busy += 1
        elif busiest.busy:
            busiest.busy -= 1
        loads = [replica.busy for replica in found.all]
        assert max(loads) - min(loads) <= 1


async def test_a_look_up_keeps_the_count_of_those_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = ["10.0.0.1", "10.0.0.2"]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: resolved(hosts))
    found = Replicas("http://runtime.test:11434/", resolve=True)
    await found.refresh()
    assert [replica.url for replica in found.all] == ["http://10.0.0.1:11434", "http://10.0.0.2:11434"]
    stays = found.all[1]
    hosts[:] = ["10.0.0.3", "10.0.0.2", "fd00::1"]
    with stays.in_use():
        await found.refresh()
        assert [replica.busy for replica in found.all] == [0, 1, 0]
        assert found.all[2].url == "http://[fd00::1]:11434"
    assert (found.all[1], stays.busy) == (stays, 0)


def resolved(hosts: list[str]) -> list[tuple[Any, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 11434)) for host in hosts]


class SimulatedReplica:
    """A simulated runtime at an address of its own."""

    def __init__(self, host: str, port: int) -> None:
        behavior = {"slots": 64, "first_token_seconds": 0.01}
        settings = {"engine": "simulated", "model": MODEL, "simulated": behavior}
        app = create_runtime(RuntimeSettings.model_validate(settings))
        self.http = httpx.AsyncClient(base_url=f"http://{host}:{port}")
        self._server = Server(
            uvicorn.Config(app, host, port, log_level="critical", timeout_graceful_shutdown=1)
        )
        self._task = asyncio.create_task(self._server.serve())

    async def starts(self) -> None:
        await until(lambda: self._server.started or self._task.done())
        assert self._server.started

    async def stops(self) -> None:
        self._server.should_exit = True
        await self._task

    async def completed(self) -> int:
        answer = await self.http.get("/simulator")
        return int(answer.json()["completed"])


@pytest.fixture
async def replicas(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, list[SimulatedReplica]]]:
    """Two replicas and the URL of the name that leads to both."""
    port = free_port(HOSTS[1])
    real = socket.getaddrinfo

    def both(host: Any, *more: Any, **named: Any) -> Any:
        if host != "runtime.test":
            return real(host, *more, **named)
        return [entry for each in HOSTS for entry in real(each, *more, **named)]

    monkeypatch.setattr("socket.getaddrinfo", both)
    started = [SimulatedReplica(host, port) for host in HOSTS]
    for replica in started:
        await replica.starts()
    yield f"http://runtime.test:{port}", started
    for replica in started:
        await replica.http.aclose()
        await replica.stops()


async def load(http: httpx.AsyncClient, requests: int) -> list[int]:
    """Ask so often, as many at once as there are clients: the statuses."""
    left = iter(range(requests))

    async def client() -> list[int]:
        answers = [await http.post("/generate", json={"prompt": "Hello", "stream": n % 2 == 0}) for n in left]
        assert all('"done":true' in answer.text for answer in answers if answer.status_code == 200)
        return [answer.status_code for answer in answers]

    return [status for each in await asyncio.gather(*[client() for _ in range(CLIENTS)]) for status in each]


@needs_two_loopbacks
async def test_both_replicas_do_their_share(
    serve: Serve, replicas: tuple[str, list[SimulatedReplica]]
) -> None:
    url, (first, second) = replicas
    live = await serve(runtime_url=url, runtime_balance="dns", max_running=CLIENTS)
    assert await load(live.http, 100) == [200] * 100
    shares = [await replica.completed() for replica in (first, second)]
    assert sum(shares) == 100
    assert 35 <= min(shares) <= max(shares) <= 65


@needs_two_loopbacks
async def test_a_replica_that_vanishes_costs_no_request(
    serve: Serve, replicas: tuple[str, list[SimulatedReplica]]
) -> None:
    url, (first, second) = replicas
    # No look at the runtime in between: the requests themselves find out.
    live = await serve(
        runtime_url=url, runtime_balance="dns", max_running=CLIENTS, models_interval_seconds=600
    )
    loading = asyncio.create_task(load(live.http, 100))
    await until(lambda: live.metric("llm_requests_total", **ok()) >= 20)
    await first.stops()
    assert await loading == [200] * 100
    assert await load(live.http, 20) == [200] * 20
    assert await second.completed() >= 20
    assert live.metric("llm_requests_total", **ok()) == 120


def ok() -> dict[str, str]:
    return {"model": MODEL, "route": "/generate", "outcome": "ok"}
