"""`python -m bench.overload`: offer the gateway ten times its capacity, and judge how it copes.

Exit status: 0 all goals are met, 1 one is missed, 2 nothing could be measured, 130 stopped.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from bench import BenchError, lean, machine, measure, servers
from bench.goals import GATEWAY, Finding
from bench.harness import Harness, command
from bench.options import count, seconds
from bench.servers import MODEL, Server
from bench.stats import spread
from bench.targets import Target, generate

RUNNING, WAITING = 4, 16  # requests that the gateway admits
BEHAVIOR = {"slots": RUNNING, "first_token_seconds": 0.1, "token_seconds": 0.005}
TOKENS = 20
TIMES = 10
REFUSALS_AT_LEAST = 100  # else it was no overload, and they have no P99


@dataclass
class Round:
    """The figures of a round: capacity, then overload."""

    capacity: float  # answers per second of RUNNING clients that ask without a pause
    goodput: float  # answers per second at TIMES the capacity
    answered: int
    refused: list[float]  # seconds until each refusal
    lost: int  # neither answered nor refused
    idle_after: float  # seconds from the last request until nothing runs or waits
    memory: int  # resident bytes of the gateway at the end


async def one_round(http: httpx.AsyncClient, runtime: Server, gateway: Server, length: float) -> Round:
    """Measure the capacity, then the overload; each takes `length` seconds."""
    target = Target(GATEWAY, f"{gateway.url}/generate", generate(MODEL))
    calls, elapsed = await measure.throughput(target, RUNNING, length, TOKENS)
    capacity = calls / elapsed
    refused: list[float] = []
    answered: list[float] = []  # when each was complete
    began = time.perf_counter()

    async def ask(number: int) -> None:
        """Ask on a connection of its own when it is due, every other time for a stream."""
        await asyncio.sleep(began + number / (TIMES * capacity) - time.perf_counter())
        sent = time.perf_counter()
        try:
            connection = await lean.connect(target.url)
            response = await connection.call(target.request(TOKENS, number % 2 == 0))
            connection.close()
        except (BenchError, OSError):
            return
        if response.status == 503 and b'"queue_full"' in response.body:
            refused.append(response.last - sent)
        elif response.status == 200 and b'"done":true' in response.body:
            answered.append(response.last)

    requests = [asyncio.create_task(ask(number)) for number in range(round(length * TIMES * capacity))]
    await asyncio.sleep(began + length - time.perf_counter())
    while not await idle(http, runtime, gateway):  # noqa: ASYNC110 - another process becomes idle
        await asyncio.sleep(0.05)
    idle_after = time.perf_counter() - began - length
    await asyncio.gather(*requests)
    return Round(
        capacity=capacity,
        goodput=len(answered) / (max(answered, default=time.perf_counter()) - began),
        answered=len(answered),
        refused=refused,
        lost=len(requests) - len(answered) - len(refused),
        idle_after=idle_after,
        memory=machine.resident(gateway.process),
    )


async def idle(http: httpx.AsyncClient, runtime: Server, gateway: Server) -> bool:
    """Return whether no request runs or waits in the gateway, and none runs in the runtime."""
    metrics = set((await http.get(f"{gateway.url}/metrics")).text.splitlines())
    running = (await http.get(f"{runtime.url}/simulator")).json()["running"]
    return {"llm_requests_running 0.0", "llm_requests_waiting 0.0"} <= metrics and not running


async def take(runtime: Server, gateway: Server, options: argparse.Namespace) -> list[Round]:
    """Run the rounds; the first is the warm-up."""
    async with measure.client() as http:
        (await http.post(f"{runtime.url}/simulator", json={"behavior": BEHAVIOR})).raise_for_status()
        return [await one_round(http, runtime, gateway, options.seconds) for _ in range(options.rounds + 1)]


def judge(warm_up: Round, *measured: Round) -> list[Finding]:
    """Judge the rounds; the warm-up shows how much memory is needed.

    Raises:
        BenchError: too few requests were refused to call it an overload.
    """
    refused = [seconds for it in measured for seconds in it.refused]
    if len(refused) < REFUSALS_AT_LEAST:
        raise BenchError(f"only {len(refused)} requests were refused: this was no overload")
    growth = measured[-1].memory / warm_up.memory
    p99 = statistics.quantiles(refused, n=100)[98]
    lost = sum(it.lost for it in measured)
    return [
        Finding("goodput / capacity", spread([it.goodput / it.capacity for it in measured]), 0.9),
        Finding(f"P99 of {len(refused)} refusals, ms", spread([p99 * 1e3]), 50, at_most=True),
        Finding("memory after / before", spread([growth]), 1.05, at_most=True),
        Finding("slowest to be idle, s", spread([max(it.idle_after for it in measured)]), 10, at_most=True),
        Finding("requests lost", spread([lost]), 0, at_most=True),
    ]


def overload(harness: Harness) -> int:
    """Measure and judge; return the exit status."""
    runtime = harness.start(servers.runtime(), beside_client=True)
    recipe = servers.gateway(runtime.url, "error")
    limits = {"LLM_MAX_RUNNING": str(RUNNING), "LLM_MAX_WAITING": str(WAITING)}
    gateway = harness.start(replace(recipe, settings={**recipe.settings, **limits}))
    rounds, others = harness.measure(take(runtime, gateway, harness.options))
    findings = judge(*rounds)
    print(*findings, f"{sum(it.answered for it in rounds[1:])} answers", sep="\n")
    print(f"other processes used {others * 100:.0f} % of a core during the run")
    return 0 if all(finding.met for finding in findings) else 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__)
    parser.add_argument("--force", action="store_true", help="measure even while the machine is busy")
    parser.add_argument("--rounds", type=count, default=3, help="rounds after the warm-up")
    parser.add_argument("--seconds", type=seconds, default=5.0, help="length of each half of a round")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the servers' logs")
    return command(parser.parse_args(argv), overload)


if __name__ == "__main__":
    sys.exit(main())
