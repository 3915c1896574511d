"""Many streams at a time: how many of them never stall, and what a token and an open stream cost."""

import asyncio
from dataclasses import dataclass
from itertools import pairwise

from bench import BenchError, machine, measure
from bench.targets import Target, tokens_of

STALLED_AFTER = 0.060  # seconds between two chunks


@dataclass(frozen=True)
class Streams:
    """A round of simultaneous streams through one server.

    Attributes:
        smooth: How many had no gap of more than STALLED_AFTER.
        cpu_per_token: CPU seconds of the server under test.
        memory: Bytes that it had at the end (its resident set).
    """

    smooth: int
    cpu_per_token: float
    memory: int


async def streams(target: Target, process: int, count: int, tokens: int) -> Streams:
    """Open streams at once and read them to their ends; `process` is the server under test.

    Raises:
        BenchError: a call failed, or tokens are missing.
    """
    request = target.request(tokens, True)
    async with measure.connections(target, count) as opened:
        before = machine.used_seconds(process)
        responses = await asyncio.gather(*(connection.call(request) for connection in opened))
        used = machine.used_seconds(process) - before
        memory = machine.resident(process)
    for response in responses:
        measure.check(target, response)
        if (seen := tokens_of(response.body.decode())) != tokens:
            raise BenchError(f"{target.name} streamed {seen} tokens of {tokens}")
    smooth = sum(not stalled(response.arrivals) for response in responses)
    return Streams(smooth, used / (count * tokens), memory)


def stalled(arrivals: list[float]) -> bool:
    """Return whether there is too long a gap between two chunks, given when each arrived."""
    return any(later - earlier > STALLED_AFTER for earlier, later in pairwise(arrivals))
