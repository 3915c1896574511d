"""Calls at a steady rate: how many per second a target takes before its slowest percent is too late.

Each call is timed from when it was due, whether or not the calls before it have been answered: clients that
wait for the answer before they ask again would hide a queue ("coordinated omission").
"""

import asyncio
import math
import statistics
import time
from collections.abc import Awaitable, Callable

from bench import lean, measure
from bench.targets import Target

ADDED_P99 = (0.001, 0.005, 0.010)  # seconds beyond the direct call's own P99
LEAST_CALLS = 100
LOWEST = 16.0  # calls per second
STEP = 1.1  # between two rates that are tried
BASE_RATE = 100.0  # calls per second that are no load
MOST_CONNECTIONS = 64


async def latencies(target: Target, rate: float, seconds: float, tokens: int) -> list[float]:
    """Return the seconds that each of some calls took from when it was due, in the order of their ends.

    Calls that find MOST_CONNECTIONS others unanswered are not made: they count as infinitely late.

    Raises:
        BenchError: a call failed.
    """
    request = target.request(tokens, False)
    found: list[float] = []
    tasks: list[asyncio.Task[None]] = []
    calls = max(LEAST_CALLS, round(rate * seconds))
    async with measure.connections(target, 1) as opened:
        idle = list(opened)

        async def ask(due: float) -> None:
            if idle:
                connection = idle.pop()
            else:
                connection = await lean.connect(target.url)
                opened.append(connection)
            measure.check(target, await connection.call(request))
            found.append(time.perf_counter() - due)
            idle.append(connection)

        began = time.perf_counter()
        for number in range(calls):
            due = began + number / rate
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            if len(tasks) - len(found) < MOST_CONNECTIONS:
                tasks.append(asyncio.create_task(ask(due)))
        await asyncio.gather(*tasks)
    return found + [math.inf] * (calls - len(found))


def p99(values: list[float]) -> float:
    """Return the 99th percentile."""
    return statistics.quantiles(values, n=100)[98]


async def highest(
    late: Callable[[float], Awaitable[float]], base: float, limits: tuple[float, ...] = ADDED_P99
) -> list[float]:
    """Return for each limit the highest rate whose P99 is at most that much above `base`; 0 if none is.

    Args:
        late: Returns the P99 at a rate, in seconds; assumed to rise with the rate.
        base: The P99 without load, in seconds.
        limits: What may be added, in seconds.
    """
    seen: dict[int, float] = {}

    async def within(step: int, limit: float) -> bool:
        if step not in seen:
            seen[step] = await late(LOWEST * STEP**step)
        return seen[step] - base <= limit

    rates = []
    for limit in limits:
        below, above = -1, 72  # 16 to 15,300 calls per second
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (middle, above) if await within(middle, limit) else (below, middle)
        rates.append(LOWEST * STEP**below if below >= 0 else 0.0)
    return rates
