"""The measurements: latency by httpx, rates by the lean client; once a round per target, in random order."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

import httpx

from bench import BenchError, lean
from bench.targets import Target, text_of, tokens_of

WARM_UP_CALLS = 50
TIMEOUT = 60.0  # seconds without a byte
T = TypeVar("T")


async def interleaved(
    targets: Sequence[Target], rounds: int, measure: Callable[[Target], Awaitable[T]], chance: random.Random
) -> dict[str, list[T]]:
    """Return the results of `measure` by target, in the order of the rounds."""
    found: dict[str, list[T]] = {target.name: [] for target in targets}
    for _ in range(rounds):
        for target in chance.sample(targets, len(targets)):
            found[target.name].append(await measure(target))
    return found


def client() -> httpx.AsyncClient:
    """Return the client that users have: httpx, which OpenAI's and Ollama's packages use too."""
    return httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)


async def plain(http: httpx.AsyncClient, target: Target, calls: int, tokens: int) -> list[float]:
    """Return the seconds of each of some sequential calls, until the complete response.

    Raises:
        BenchError: a call failed.
    """
    body, seconds = target.body(tokens, False), []
    for _ in range(calls):
        began = time.perf_counter()
        response = await http.post(target.url, json=body, headers=target.headers)
        seconds.append(time.perf_counter() - began)
        if not response.is_success:
            raise refused(target, response.status_code, response.text)
    return seconds


async def first_token(http: httpx.AsyncClient, target: Target, calls: int, tokens: int) -> list[float]:
    """Return the seconds until the first token of each of some sequential streams, each read to its end.

    Raises:
        BenchError: a call failed.
    """
    body, seconds = target.body(tokens, True), []
    for _ in range(calls):
        first = 0.0
        began = time.perf_counter()
        async with http.stream("POST", target.url, json=body, headers=target.headers) as response:
            if not response.is_success:
                raise refused(target, response.status_code, (await response.aread()).decode())
            async for line in response.aiter_lines():
                if not first and text_of(line):
                    first = time.perf_counter()
        if not first:
            raise BenchError(f"{target.name} streamed no token")
        seconds.append(first - began)
    return seconds


@asynccontextmanager
async def connections(target: Target, count: int) -> AsyncIterator[list[lean.Connection]]:
    """Open connections of the lean client, and close them at the end."""
    opened = [await lean.connect(target.url) for _ in range(count)]
    try:
        yield opened
    finally:
        for connection in opened:
            connection.close()


async def lean_plain(target: Target, calls: int, tokens: int) -> list[float]:
    """Do as `plain` does, by the lean client."""
    request = target.request(tokens, False)
    seconds = []
    async with connections(target, 1) as (connection,):
        for _ in range(calls):
            began = time.perf_counter()
            check(target, await connection.call(request))
            seconds.append(time.perf_counter() - began)
    return seconds


async def throughput(target: Target, clients: int, seconds: float, tokens: int) -> tuple[int, float]:
    """Return the number of plain calls, and their seconds, of clients that call without a pause.

    Raises:
        BenchError: a call failed.
    """
    request = target.request(tokens, False)

    async def ask(connection: lean.Connection, until: float) -> int:
        calls = 0
        while time.perf_counter() < until:
            check(target, await connection.call(request))
            calls += 1
        return calls

    async with connections(target, clients) as opened:
        began = time.perf_counter()
        calls = await asyncio.gather(*(ask(connection, began + seconds) for connection in opened))
        return sum(calls), time.perf_counter() - began


async def token_rate(target: Target, streams: int, tokens: int) -> float:
    """Return the tokens per second of simultaneous streams, from the first request to the last byte.

    Raises:
        BenchError: a call failed, or tokens are missing.
    """
    request = target.request(tokens, True)
    async with connections(target, streams) as opened:
        began = time.perf_counter()
        responses = await asyncio.gather(*(connection.call(request) for connection in opened))
        seconds = max(response.last for response in responses) - began
    for response in responses:
        check(target, response)
        if (seen := tokens_of(response.body.decode())) != tokens:
            raise BenchError(f"{target.name} streamed {seen} tokens of {tokens}")
    return streams * tokens / seconds


def check(target: Target, response: lean.Response) -> None:
    """Check that the response is a success.

    Raises:
        BenchError: it is not.
    """
    if response.status != 200:
        raise refused(target, response.status, response.body.decode(errors="replace"))


def refused(target: Target, status: int, body: str) -> BenchError:
    """Return the error for a response that is not a success."""
    return BenchError(f"{target.name} ({target.url}) answered {status}: {body[:300]}")
