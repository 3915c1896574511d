"""`python -m bench.overload`: offers the gateway ten times what it can serve, and judges how it bears that.

Exit status: 0 every goal is met, 1 one is missed, 2 it could not be measured, 130 it was stopped.
"""

import argparse
import asyncio
import dataclasses
import os
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench import BenchError, lean, measure, servers
from bench.lab import Lab, command
from bench.options import count, seconds
from bench.servers import MODEL, Server

RUNNING, WAITING = 4, 16
PHYSICS = {"slots": RUNNING, "first_token_seconds": 0.1, "token_seconds": 0.005}
TOKENS = 20
TIMES = 10
GOODPUT_AT_LEAST, GROWTH_AT_MOST = 0.9, 1.05
REFUSED_WITHIN, IDLE_WITHIN = 0.05, 10.0  # seconds; 99 in 100 refusals


@dataclass
class Round:
    """What was found when the load was just right, and when it was ten times that."""

    capacity: float = 0.0  # answers per second
    goodput: float = 0.0
    answered: int = 0
    refused: list[float] = field(default_factory=list)  # seconds until each refusal
    lost: int = 0
    idle_after: float = 0.0  # seconds after the last request was sent
    memory: int = 0  # bytes of the gateway, after it


class Load:
    """Clients of one gateway; half of what they ask for is streamed."""

    def __init__(self, http: httpx.AsyncClient, runtime: Server, gateway: Server, length: float) -> None:
        self._http, self._runtime, self._gateway, self._length = http, runtime, gateway, length
        self._url = f"{gateway.url}/generate"
        body = {"prompt": "Why?", "options": {"num_predict": TOKENS}}
        self._wires = [lean.request(self._url, body | {"stream": stream}) for stream in (True, False)]

    async def round(self) -> Round:
        """The capacity, then the overload."""
        found = Round()
        await self._at_capacity(found)
        await self._overload(found)
        found.memory = resident(self._gateway.process)
        return found

    async def _at_capacity(self, found: Round) -> None:
        """As many clients as may run, each asking again when it has its answer."""
        began = time.perf_counter()
        answers = 0

        async def client(number: int) -> None:
            nonlocal answers
            connection = await lean.connect(self._url)
            while time.perf_counter() - began < self._length:
                answer = await connection.call(self._wires[number % 2])
                if answer.status != 200:
                    raise BenchError(f"refused though there was room: {answer.body!r}")
                answers += 1
            connection.close()

        await asyncio.gather(*map(client, range(RUNNING)))
        found.capacity = answers / (time.perf_counter() - began)

    async def _overload(self, found: Round) -> None:
        """Requests at ten times the rate, each on its own connection, whether or not others are answered."""
        began = last_answer = time.perf_counter()

        async def one(number: int) -> None:
            nonlocal last_answer
            due = began + number / (TIMES * found.capacity)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            sent = time.perf_counter()
            try:
                connection = await lean.connect(self._url)
                answer = await connection.call(self._wires[number % 2])
                connection.close()
            except (BenchError, OSError):
                found.lost += 1
                return
            if answer.status == 503 and b'"queue_full"' in answer.body:
                found.refused.append(answer.last - sent)
            elif answer.status == 200 and b'"done":true' in answer.body:
                last_answer = answer.last
                found.answered += 1
            else:
                found.lost += 1

        asking = [asyncio.create_task(one(n)) for n in range(round(self._length * TIMES * found.capacity))]
        await asyncio.sleep(max(0.0, began + self._length - time.perf_counter()))
        ended = time.perf_counter()
        while not await self._idle():  # noqa: ASYNC110 - it is another process that gets idle
            await asyncio.sleep(0.05)
        found.idle_after = time.perf_counter() - ended
        await asyncio.gather(*asking)
        found.goodput = found.answered / (last_answer - began)

    async def _idle(self) -> bool:
        shown = set((await self._http.get(f"{self._gateway.url}/metrics")).text.splitlines())
        at_work = (await self._http.get(f"{self._runtime.url}/simulator")).json()["running"]
        return {"llm_requests_running 0.0", "llm_requests_waiting 0.0"} <= shown and not at_work


def resident(process: int) -> int:
    """Bytes of memory that a process has now."""
    pages = Path(f"/proc/{process}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


async def take(runtime: Server, gateway: Server, options: argparse.Namespace) -> list[Round]:
    """The rounds; the first one warms up, and is the measure of the memory that is needed."""
    async with measure.client() as http:
        (await http.post(f"{runtime.url}/simulator", json={"behavior": PHYSICS})).raise_for_status()
        load = Load(http, runtime, gateway, options.seconds)
        return [await load.round() for _ in range(options.rounds + 1)]


def judge(rounds: Sequence[Round]) -> list[tuple[bool, str]]:
    """Each goal: whether it is met, and the figures. Pure."""
    warm_up, *measured = rounds
    goodput = statistics.median(it.goodput / it.capacity for it in measured)
    refused = sorted(one for it in measured for one in it.refused)
    if len(refused) < 100:
        return [(False, f"only {len(refused)} requests were refused: this was no overload")]
    middle, most, nearly_all = (statistics.quantiles(refused, n=100)[at] for at in (49, 94, 98))
    growth = measured[-1].memory / warm_up.memory
    idle = max(it.idle_after for it in measured)
    lost = sum(it.lost for it in measured)
    millions = [it.memory / 1e6 for it in (warm_up, measured[-1])]
    return [
        (goodput >= GOODPUT_AT_LEAST, f"goodput / capacity {goodput:.3f}, goal at least {GOODPUT_AT_LEAST}"),
        (
            nearly_all <= REFUSED_WITHIN,
            f"{len(refused)} refusals: P50 {middle * 1e3:.1f} ms, P95 {most * 1e3:.1f} ms,"
            f" P99 {nearly_all * 1e3:.1f} ms, goal at most {REFUSED_WITHIN * 1e3:.0f} ms",
        ),
        (
            growth <= GROWTH_AT_MOST,
            f"memory after / before {growth:.3f} ({millions[0]:.1f} MB to {millions[1]:.1f} MB),"
            f" goal at most {GROWTH_AT_MOST}",
        ),
        (idle <= IDLE_WITHIN, f"idle after {idle:.2f} s, goal at most {IDLE_WITHIN:g} s"),
        (lost == 0, f"{sum(it.answered for it in measured)} answers, {lost} requests lost, goal 0"),
    ]


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__)
    parser.add_argument("--force", action="store_true", help="measure on a machine that is busy")
    parser.add_argument("--rounds", type=count, default=3, help="rounds, beside one to warm up")
    parser.add_argument("--seconds", type=seconds, default=5.0, help="length of each half of a round")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the servers' logs")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit status."""
    return command(arguments(argv), overload)


def overload(lab: Lab) -> int:
    """Measure and judge; the exit status."""
    runtime = lab.start(servers.runtime(), beside_client=True)
    recipe = servers.gateway(runtime.url, "error")
    places = {"LLM_MAX_RUNNING": str(RUNNING), "LLM_MAX_WAITING": str(WAITING), "LLM_MODEL": MODEL}
    gateway = lab.start(dataclasses.replace(recipe, settings={**recipe.settings, **places}))
    rounds, others = lab.measure(take(runtime, gateway, lab.options))
    findings = judge(rounds)
    for met, figures in findings:
        print("met   " if met else "MISSED", figures)
    print(f"others took {others:.2f} of a core meanwhile")
    return 0 if all(met for met, _ in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
