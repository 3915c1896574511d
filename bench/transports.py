"""`--transports`: what a call costs httpx's client by what carries it, and by how many run at once."""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Mapping

import httpx
from httpx_aiohttp import AiohttpTransport
from llm_api.upstream import transport as wire

from bench import BenchError, machine, report
from bench.lab import Lab
from bench.servers import MODEL, runtime
from bench.targets import generate

AT_ONCE = (1, 16, 64)
ROUNDS = 5
SECONDS = 1.0
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None)

TRANSPORTS: Mapping[str, Callable[[], httpx.AsyncBaseTransport]] = {
    "httpx's own": lambda: httpx.AsyncHTTPTransport(limits=LIMITS),
    "httpx-aiohttp": lambda: AiohttpTransport(limits=LIMITS),
    "the gateway's": lambda: wire.Transport(keep_alive_seconds=60),
}


def take(lab: Lab) -> int:
    """Measure each transport under httpx.AsyncClient and alone, and print the CPU time of a call.

    Raises:
        BenchError: the runtime does not answer as asked, or the machine is busy.
    """
    url = f"{lab.start(runtime(), beside_client=True).url}/api/generate"
    # This process is what is measured here, so it goes to the core of what is measured.
    with machine.pinned(lab.measured_core):
        found, others = lab.measure(rounds(url))
    header = report.row("us of CPU for a call", [f"{at_once} at once" for at_once in AT_ONCE])
    lines = [
        report.row(name, [f"{statistics.median(cost):.0f}" for cost in costs])
        for name, costs in found.items()
    ]
    report.show("httpx by its transport (median of the rounds)", [header, *lines])
    print(report.disturbance({"others": others}))
    return 0


async def rounds(url: str) -> dict[str, list[list[float]]]:
    """Microseconds of CPU time of a call, by way, by how many at once, by round."""
    chance = random.Random(1)  # noqa: S311 - an order, no secret
    ways = [(name, whole) for name in TRANSPORTS for whole in (True, False)]
    found: dict[str, list[list[float]]] = {label(*way): [[] for _ in AT_ONCE] for way in ways}
    for place, at_once in enumerate(AT_ONCE):
        for _ in range(ROUNDS):
            for name, whole in chance.sample(ways, len(ways)):
                found[label(name, whole)][place].append(await cost(TRANSPORTS[name](), url, at_once, whole))
    return found


def label(name: str, whole: bool) -> str:
    """How a way is called in the table."""
    return name if whole else f"{name} alone"


async def cost(transport: httpx.AsyncBaseTransport, url: str, at_once: int, whole: bool) -> float:
    """Microseconds of CPU time for a call, `at_once` running all the time; `whole` with AsyncClient.

    Raises:
        BenchError: an answer is not 200.
    """
    body = generate(MODEL)(1, False)
    calls = 0

    async def ask(client: httpx.AsyncClient, until: float) -> None:
        nonlocal calls
        while time.perf_counter() < until:
            if whole:
                answer = await client.post(url, json=body)
            else:
                answer = await transport.handle_async_request(httpx.Request("POST", url, json=body))
                await answer.aread()
            if answer.status_code != 200:
                raise BenchError(f"the runtime answers {answer.status_code}: {answer.text[:300]}")
            calls += 1

    async with httpx.AsyncClient(transport=transport, timeout=60, trust_env=False) as client:
        await asyncio.gather(*(ask(client, time.perf_counter() + SECONDS / 5) for _ in range(at_once)))
        calls, began = 0, time.process_time()
        await asyncio.gather(*(ask(client, time.perf_counter() + SECONDS) for _ in range(at_once)))
        return (time.process_time() - began) / calls * 1e6
