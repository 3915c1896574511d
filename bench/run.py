"""A run: the warm-up, the rounds of each measurement, and the CPU time that each process used per call."""

import argparse
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx

from bench import machine, measure, paced, steady
from bench.goals import DIRECT, PEER
from bench.harness import Harness
from bench.servers import Server
from bench.targets import Target

WARM_UP_SECONDS = 0.5
FIRST_TOKEN_ANSWER = 8  # tokens of the streams whose first token is timed
CEILING_SECONDS = 1.0
LEAN_TIMES = 8  # as many calls of the lean client, for their P99


@dataclass
class Figures:
    """The measurements by target, then by round: seconds, and rates per second."""

    plain: dict[str, list[list[float]]] = field(default_factory=dict)
    first_token: dict[str, list[list[float]]] = field(default_factory=dict)
    lean_plain: dict[str, list[list[float]]] = field(default_factory=dict)
    throughput: dict[str, list[float]] = field(default_factory=dict)
    used: dict[str, list[dict[str, float]]] = field(default_factory=dict)  # CPU seconds per call, by process
    token_rate: dict[str, list[float]] = field(default_factory=dict)


@dataclass
class Load:
    """The measurements under load, by target, then by round."""

    paced: dict[str, list[list[float]]] = field(default_factory=dict)  # calls/s for each of paced.ADDED_P99
    streams: dict[str, list[steady.Streams]] = field(default_factory=dict)


async def set_pace(runtime: Server, token_seconds: float) -> None:
    """Set the simulated model's delay between two tokens."""
    async with measure.client() as http:
        change = {"behavior": {"token_seconds": token_seconds}}
        (await http.post(f"{runtime.url}/simulator", json=change)).raise_for_status()


async def warm_up(target: Target, options: argparse.Namespace) -> None:
    """Exercise every code path before anything is measured."""
    async with measure.client() as http:
        await measure.plain(http, target, measure.WARM_UP_CALLS, options.answer)
        await measure.first_token(http, target, measure.WARM_UP_CALLS, FIRST_TOKEN_ANSWER)
    await measure.throughput(target, options.clients, WARM_UP_SECONDS, options.answer)
    await measure.token_rate(target, options.streams, options.tokens)


async def take(targets: Sequence[Target], harness: Harness) -> Figures:
    """Take every measurement of the targets.

    Raises:
        BenchError: a call failed.
    """
    options, processes, figures = harness.options, harness.processes, Figures()
    chance = random.Random(options.seed)  # noqa: S311 - no secret

    async def load(target: Target) -> float:
        before = machine.read((), processes.values())
        calls, seconds = await measure.throughput(target, options.clients, options.seconds, options.answer)
        after = machine.read((), processes.values())
        used = {name: (after.used[it] - before.used[it]) / calls for name, it in processes.items()}
        figures.used.setdefault(target.name, []).append(used)
        return calls / seconds

    for target in targets:
        await warm_up(target, options)
    async with measure.client() as http:
        latency = await measure.interleaved(
            targets,
            options.rounds,
            lambda target: one_round(http, target, options),
            chance,
        )
    for name, rounds in latency.items():
        figures.plain[name], figures.first_token[name], figures.lean_plain[name] = map(
            list, zip(*rounds, strict=True)
        )
    figures.throughput = await measure.interleaved(targets, options.rounds, load, chance)
    await set_pace(harness.servers["runtime"], options.token_delay)
    try:
        figures.token_rate = await measure.interleaved(
            targets,
            options.stream_rounds,
            lambda target: measure.token_rate(target, options.streams, options.tokens),
            chance,
        )
    finally:
        await set_pace(harness.servers["runtime"], 0)
    return figures


async def take_load(targets: Sequence[Target], harness: Harness) -> Load:
    """Find the rates that keep calls in time, and the streams that never stall. LiteLLM's take one round.

    Raises:
        BenchError: a call failed.
    """
    options, load = harness.options, Load()
    direct = next(target for target in targets if target.name == DIRECT)
    chance = random.Random(options.seed)  # noqa: S311 - no secret

    async def pace(target: Target) -> list[float]:
        async def late(rate: float) -> float:
            return paced.p99(await paced.latencies(target, rate, options.paced_seconds, options.answer))

        base = paced.p99(
            await paced.latencies(direct, paced.BASE_RATE, options.paced_seconds, options.answer)
        )
        return await paced.highest(late, base)

    async def smooth(target: Target) -> steady.Streams:
        process = harness.servers["runtime" if target is direct else target.name].process
        return await steady.streams(target, process, options.smooth_streams, options.smooth_tokens)

    load.paced = await measure.interleaved(targets, options.stream_rounds, pace, chance)
    await set_pace(harness.servers["runtime"], options.smooth_delay)
    try:
        fast = [target for target in targets if target.name != PEER]
        load.streams = await measure.interleaved(fast, options.stream_rounds, smooth, chance)
        for target in targets:
            if target not in fast:
                load.streams[target.name] = [await smooth(target)]
    finally:
        await set_pace(harness.servers["runtime"], 0)
    return load


async def one_round(
    http: httpx.AsyncClient, target: Target, options: argparse.Namespace
) -> tuple[list[float], list[float], list[float]]:
    """Return the seconds of plain calls, of first tokens, and of plain calls by the lean client."""
    return (
        await measure.plain(http, target, options.calls, options.answer),
        await measure.first_token(http, target, options.calls, FIRST_TOKEN_ANSWER),
        await measure.lean_plain(target, options.calls * LEAN_TIMES, options.answer),
    )


async def ceiling(canned: Server, clients: int) -> float:
    """Return the calls per second that the load generator makes to a server that does nothing."""
    target = Target("canned", f"{canned.url}/", lambda tokens, stream: {"tokens": tokens, "stream": stream})
    calls, seconds = await measure.throughput(target, clients, CEILING_SECONDS, 1)
    return calls / seconds
