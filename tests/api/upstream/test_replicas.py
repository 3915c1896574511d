"""Two replicas of the runtime behind one name share the work, and one that vanishes costs no request."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llm_api.upstream.replicas import Replica, Replicas

from tests.api.support.live import Serve, listen, simulated_runtime
from tests.processes import free_port
from tests.waiting import until

needs_two_loopbacks = pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 needs Linux")
HOSTS = ("127.0.0.1", "127.0.0.2")
CLIENTS = 4


def replicas_with(*busy: int) -> Replicas:
    found = Replicas("http://runtime.test:11434", resolve=True)
    found.all = [Replica(f"http://10.0.0.{number}", busy=count) for number, count in enumerate(busy, 1)]
    return found


def test_the_least_busy_replica_is_picked() -> None:
    found = replicas_with(2, 1, 3)
    assert found.pick([]) is found.all[1]
    assert found.pick([found.all[1]]) is found.all[0]
    assert found.pick(found.all) is None


def test_equally_busy_replicas_take_turns() -> None:
    found = replicas_with(0, 0, 0)
    picked = [found.pick([]) for _ in range(6)]
    assert picked == found.all * 2


def test_a_failing_replica_is_picked_only_as_a_last_resort() -> None:
    found = replicas_with(0, 5)
    found.all[0].failing = True
    assert found.pick([]) is found.all[1]
    assert found.pick([found.all[1]]) is found.all[0]


@given(st.lists(st.booleans(), min_size=1, max_size=50), st.integers(1, 4))
def test_no_replica_gets_more_than_one_generation_ahead(arrivals: list[bool], count: int) -> None:
    """Provided that generations end on the busiest replica, and none fails."""
    found = replicas_with(*[0] * count)
    for arrival in arrivals:
        busiest = max(found.all, key=lambda replica: replica.busy)
        if arrival:
            picked = found.pick([])
            assert picked is not None
            picked.busy += 1
        elif busiest.busy:
            busiest.busy -= 1
        loads = [replica.busy for replica in found.all]
        assert max(loads) - min(loads) <= 1


async def test_resolving_again_keeps_the_state_of_replicas_that_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = ["10.0.0.1", "10.0.0.2"]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: resolved(hosts))
    found = Replicas("http://runtime.test:11434/", resolve=True)
    await found.refresh()
    assert [replica.url for replica in found.all] == ["http://10.0.0.1:11434", "http://10.0.0.2:11434"]
    stays = found.all[1]
    hosts[:] = ["10.0.0.3", "10.0.0.2", "fd00::1"]
    stays.busy = 1
    await found.refresh()
    assert [replica.busy for replica in found.all] == [0, 1, 0]
    assert found.all[1] is stays
    assert found.all[2].url == "http://[fd00::1]:11434"


def resolved(hosts: list[str]) -> list[tuple[Any, ...]]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 11434)) for host in hosts]


class SimulatedReplica:
    """A simulated runtime on its own address."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        app = simulated_runtime(slots=64, first_token_seconds=0.01)
        url, _ = await listen(self._stack, app, host=self._host, port=self._port)
        self._http = await self._stack.enter_async_context(
            httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)
        )

    async def stop(self) -> None:
        await self._stack.aclose()

    async def completed(self) -> int:
        return int((await self._http.get("/simulator")).json()["completed"])


@pytest.fixture
async def replicas(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[str, list[SimulatedReplica]]]:
    """Two replicas, and the URL with the name that resolves to both."""
    port = free_port(HOSTS[1])
    getaddrinfo = socket.getaddrinfo

    def resolve(host: Any, *more: Any, **named: Any) -> Any:
        hosts = HOSTS if host == "runtime.test" else [host]
        return [entry for each in hosts for entry in getaddrinfo(each, *more, **named)]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    started = [SimulatedReplica(host, port) for host in HOSTS]
    for replica in started:
        await replica.start()
    yield f"http://runtime.test:{port}", started
    for replica in started:
        await replica.stop()


async def load(http: httpx.AsyncClient, requests: int) -> list[int]:
    """Send requests from CLIENTS concurrent clients; return the statuses."""
    numbers = iter(range(requests))

    async def client() -> list[int]:
        responses = [
            await http.post("/generate", json={"prompt": "Hello", "stream": number % 2 == 0})
            for number in numbers
        ]
        assert all('"done":true' in response.text for response in responses if response.is_success)
        return [response.status_code for response in responses]

    return [status for each in await asyncio.gather(*[client() for _ in range(CLIENTS)]) for status in each]


@needs_two_loopbacks
async def test_both_replicas_get_a_fair_share(
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
    # The gateway does not look at the runtime in between: the requests themselves find out.
    live = await serve(
        runtime_url=url, runtime_balance="dns", max_running=CLIENTS, models_interval_seconds=600
    )
    loading = asyncio.create_task(load(live.http, 100))
    await until("20 requests to be answered", lambda: live.outcomes("ok"), lambda count: count >= 20)
    await first.stop()
    assert await loading == [200] * 100
    assert await load(live.http, 20) == [200] * 20
    assert await second.completed() >= 20
    assert live.outcomes("ok") == 120
