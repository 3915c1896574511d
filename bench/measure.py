"""The measurements: latency by httpx, rates by the lean client; each target once a round, in random order."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import httpx

from bench import BenchError, lean
from bench.targets import Target, tokens_of, words

WARM_UP_CALLS = 50
TIMEOUT = 60.0  # seconds of silence
T = TypeVar("T")


async def interleaved(
    targets: Sequence[Target], rounds: int, measure: Callable[[Target], Awaitable[T]], chance: random.Random
) -> dict[str, list[T]]:
    """What `measure` finds, for each target by name, in the order of the rounds."""
    found: dict[str, list[T]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in chance.sample(targets, len(targets)):
            found[target.name].append(await measure(target))
    return found


def client() -> httpx.AsyncClient:
    """The client that users have: httpx, which OpenAI's and Ollama's packages use too."""
    return httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)


async def plain(http: httpx.AsyncClient, target: Target, calls: int, tokens: int) -> list[float]:
    """Seconds of each of some calls, one after another, until the whole answer is there.

    Raises:
        BenchError: an answer is not what was asked for.
    """
    body, seconds = target.body(tokens, False), []
    for _ in range(calls):
        began = time.perf_counter()
        answer = await http.post(target.url, json=body, headers=target.headers)
        seconds.append(time.perf_counter() - began)
        if not answer.is_success:
            raise refused(target, answer.status_code, answer.text)
    return seconds


async def first_token(http: httpx.AsyncClient, target: Target, calls: int, tokens: int) -> list[float]:
    """Seconds of each of some streams until its first token; each is read to its end.

    Raises:
        BenchError: an answer is not what was asked for.
    """
    body, seconds = target.body(tokens, True), []
    for _ in range(calls):
        first = 0.0
        began = time.perf_counter()
        async with http.stream("POST", target.url, json=body, headers=target.headers) as answer:
            if not answer.is_success:
                raise refused(target, answer.status_code, (await answer.aread()).decode())
            async for line in answer.aiter_lines():
                if not first and words(line):
                    first = time.perf_counter()
        if not first:
            raise BenchError(f"{target.name} streamed no token")
        seconds.append(first - began)
    return seconds


async def lean_plain(target: Target, calls: int, tokens: int) -> list[float]:
    """As `plain`, by the lean client."""
    wire = lean.request(target.url, target.body(tokens, False), target.key)
    connection = await lean.connect(target.url)
    seconds = []
    try:
        for _ in range(calls):
            began = time.perf_counter()
            check(target, await connection.call(wire))
            seconds.append(time.perf_counter() - began)
    finally:
        connection.close()
    return seconds


async def throughput(target: Target, clients: int, seconds: float, tokens: int) -> tuple[int, float]:
    """The plain calls, and their seconds, of some clients who each ask again as soon as they are answered.

    Raises:
        BenchError: an answer is not what was asked for.
    """
    wire = lean.request(target.url, target.body(tokens, False), target.key)
    connections = [await lean.connect(target.url) for _ in range(clients)]

    async def ask(connection: lean.Connection, until: float) -> int:
        calls = 0
        while time.perf_counter() < until:
            check(target, await connection.call(wire))
            calls += 1
        return calls

    try:
        began = time.perf_counter()
        calls = await asyncio.gather(*(ask(connection, began + seconds) for connection in connections))
        return sum(calls), time.perf_counter() - began
    finally:
        for connection in connections:
            connection.close()


async def token_rate(target: Target, streams: int, tokens: int) -> float:
    """Tokens per second of some streams at once, from the first request to the last byte.

    Raises:
        BenchError: an answer is not what was asked for, or tokens are missing.
    """
    wire = lean.request(target.url, target.body(tokens, True), target.key)
    connections = [await lean.connect(target.url) for _ in range(streams)]
    try:
        began = time.perf_counter()
        answers = await asyncio.gather(*(connection.call(wire) for connection in connections))
        seconds = max(answer.last for answer in answers) - began
    finally:
        for connection in connections:
            connection.close()
    for answer in answers:
        check(target, answer)
        if (seen := tokens_of(answer.body.decode())) != tokens:
            raise BenchError(f"{target.name} streamed {seen} tokens of {tokens}")
    return streams * tokens / seconds


def check(target: Target, answer: lean.Answer) -> None:
    """Hold an answer to its status.

    Raises:
        BenchError: it is a refusal.
    """
    if answer.status != 200:
        raise refused(target, answer.status, answer.body.decode(errors="replace"))


def refused(target: Target, status: int, body: str) -> BenchError:
    """The error for an answer that is a refusal."""
    return BenchError(f"{target.name} ({target.url}) answers {status}: {body[:300]}")
