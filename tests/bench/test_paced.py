"""Calls at a steady rate are timed from when they were due; the search finds the highest rate in time."""

import asyncio
import math

import pytest

from bench import paced
from bench.targets import Target, chat
from tests.waiting import within

RESPONSE = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


async def measured(seconds_to_answer: float, rate: float) -> list[float]:
    """Measure a server that answers one call at a time, each after some seconds."""
    busy = asyncio.Lock()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        handlers.append(asyncio.current_task())
        while await reader.read(65_536):
            async with busy:
                await asyncio.sleep(seconds_to_answer)
            writer.write(RESPONSE)
        writer.close()
        await writer.wait_closed()

    handlers: list[asyncio.Task[None] | None] = []
    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/chat"
        work = paced.latencies(Target("direct", url, chat("m")), rate, 0.01, 1)
        found = await within("all calls", work, seconds=30)
        await within("the server's connections to close", asyncio.gather(*filter(None, handlers)))
    return found


async def test_every_call_that_is_due_counts() -> None:
    assert len(await measured(0.0, 1000.0)) == paced.LEAST_CALLS


async def test_a_call_that_waits_behind_others_is_late_by_its_wait() -> None:
    found = sorted(await measured(0.005, 10_000.0))
    in_time = [seconds for seconds in found if seconds < math.inf]
    # The tenth answer comes after ten turns, whether or not its client had asked by then.
    assert in_time[9] >= 0.005 * 9


async def test_calls_that_find_too_many_unanswered_count_as_infinitely_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paced, "MOST_CONNECTIONS", 4)
    found = await measured(0.02, 10_000.0)
    assert len(found) == paced.LEAST_CALLS
    assert found.count(math.inf) >= paced.LEAST_CALLS // 2


@pytest.mark.parametrize(("break_at", "expected"), [(1000.0, 1000.0), (1.0, 0.0), (1e9, 13_900.0)])
async def test_the_highest_rate_in_time_is_found_to_a_tenth(break_at: float, expected: float) -> None:
    async def late(rate: float) -> float:
        return 0.002 if rate <= break_at else 0.5

    (found,) = await paced.highest(late, 0.001, (0.005,))
    assert expected / paced.STEP <= found <= expected


async def test_a_looser_limit_does_not_try_a_rate_again() -> None:
    tried: list[float] = []

    async def late(rate: float) -> float:
        tried.append(rate)
        return rate / 100_000

    found = await paced.highest(late, 0.0)
    assert found == sorted(found)
    assert found[0] == pytest.approx(100, rel=0.1)
    assert len(tried) == len(set(tried))
