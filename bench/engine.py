"""What gateway and cluster cost a real model: its tokens per second through both, beside the bare engine's.

    PYTHONPATH=runtime python -m bench.engine [--url http://localhost:8000] [--rounds 7] [--tokens 128]

For a platform that runs with the embedded runtime. The bare engine is the same llama.cpp with the same
weights, threads and slots in this process, without HTTP; the two take turns, and one waits for the other.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time

import httpx
from llm_runtime.api.schemas import Message, Options
from llm_runtime.engines.engine import Job
from llm_runtime.engines.llamacpp import LlamaCppEngine
from llm_runtime.settings import Settings

from bench import BenchError
from dev.gateway.client import default_url

PROMPT = "Write a long story about a river."
SLOTS = 2  # as charts/llm-runtime has them
GOAL = 0.95


async def bare(engine: LlamaCppEngine, tokens: int, seed: int) -> float:
    """Tokens per second of the engine alone, from the call to its end."""

    async def ignore(_: str) -> None:
        """For words that nobody reads."""

    options = Options(num_predict=tokens, temperature=0.8, seed=seed)
    began = time.perf_counter()
    finish = await engine.generate(Job(options, messages=(Message(role="user", content=PROMPT),)), ignore)
    return finish.generated_tokens / (time.perf_counter() - began)


async def through(http: httpx.AsyncClient, tokens: int, seed: int) -> float:
    """Tokens per second of a plain answer through the gateway, from the call to its last byte.

    A plain one, because a port-forward carries it: each streamed token would go through kubectl, kubelet
    and API server as well, on the cores that the model computes with.

    Raises:
        BenchError: the gateway refuses.
    """
    options = {"num_predict": tokens, "temperature": 0.8, "seed": seed}
    began = time.perf_counter()
    answer = await http.post("/generate", json={"prompt": PROMPT, "options": options})
    seconds = time.perf_counter() - began
    if answer.status_code != 200:
        raise BenchError(f"the gateway answers {answer.status_code}: {answer.text[:300]}")
    return float(answer.json()["usage"]["generated_tokens"]) / seconds


async def measure(url: str, rounds: int, tokens: int) -> tuple[list[float], list[float]]:
    """Tokens per second of each round, the bare engine's and the gateway's; their order is random."""
    engine = LlamaCppEngine(Settings(slots=SLOTS))
    await engine.load()
    chance = random.Random(1)  # noqa: S311 - an order, no secret
    alone: list[float] = []
    gateway: list[float] = []
    async with httpx.AsyncClient(base_url=url, timeout=120) as http:
        await bare(engine, 16, 0)
        await through(http, 16, 0)
        for seed in range(1, rounds + 1):
            for way in chance.sample((alone, gateway), 2):
                ask = bare(engine, tokens, seed) if way is alone else through(http, tokens, seed)
                way.append(await ask)
    await engine.unload()
    return alone, gateway


def main() -> int:
    """The command; 0 where the goal is met, 1 where not, 2 where nothing could be measured."""
    parser = argparse.ArgumentParser(prog="python -m bench.engine")
    parser.add_argument("--url", default=default_url())
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=128)
    given = parser.parse_args()
    try:
        alone, gateway = asyncio.run(measure(given.url, given.rounds, given.tokens))
    except (BenchError, httpx.HTTPError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    ratio = statistics.median(through / bare for through, bare in zip(gateway, alone, strict=True))
    for name, rates in (("bare engine", alone), ("through gateway", gateway)):
        print(f"{name:<16} {statistics.median(rates):6.1f} tokens/s ({min(rates):.1f} to {max(rates):.1f})")
    print(f"{'met' if ratio >= GOAL else 'MISSED'}: {ratio:.3f} of the bare engine's, goal at least {GOAL}")
    return 0 if ratio >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
