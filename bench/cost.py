"""Measure the CPU time of a plain chat call: Envoy, apps that only pass it on, and the gateway, taking turns.

    python -m bench.cost [--also FOLDER]

FOLDER is another checkout of this project, to compare its gateway with this one's.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench import envoy, machine, measure, packages, servers, targets
from bench.goals import FLOOR, GATEWAY, TIMES_THE_FLOOR, Finding
from bench.harness import Harness, command
from bench.options import count, seconds
from bench.report import disturbance, row
from bench.servers import MODEL, ROOT, Recipe, Server
from bench.stats import ratios, spread
from bench.targets import Target

PASSING = {"bare ASGI": "bench.passing:asgi", "bare FastAPI": "bench.passing:fast"}


def passing(name: str, runtime_url: str) -> Recipe:
    """Return how to start an app that only passes calls on."""
    service = servers.uvicorn("--factory", "--lifespan", "off")
    start = [PASSING[name] if part == "main:app" else part for part in service]
    settings = {"PASSING_TO": runtime_url, "PYTHONPATH": f"{ROOT}:{ROOT / 'api'}"}
    return Recipe(name.replace(" ", "-"), start, ROOT, settings, "/ready")


def start(harness: Harness) -> dict[Target, Server]:
    """Start the servers; return what is asked of which."""
    runtime = harness.start(servers.runtime(), beside_client=True)
    recipes = {FLOOR: envoy.recipe(runtime.url)} | {name: passing(name, runtime.url) for name in PASSING}
    gateway = servers.gateway(runtime.url, "error")
    gateways = {GATEWAY: gateway}
    if harness.options.also:
        other = replace(gateway, name="gateway-also", folder=harness.options.also.resolve() / "api")
        gateways["gateway there"] = other
    found = {}
    for name, recipe in recipes.items():
        server = harness.start(recipe)
        found[Target(name, f"{server.url}/api/chat", targets.chat(MODEL))] = server
    for name, recipe in gateways.items():
        server = harness.start(recipe)
        found[Target(name, f"{server.url}/v1/chat/completions", targets.openai(MODEL))] = server
    return found


async def take(asked: dict[Target, Server], options: argparse.Namespace) -> dict[str, list[float]]:
    """Return the CPU seconds per call of each server, one value per round."""

    async def one(target: Target) -> float:
        before = machine.used_seconds(asked[target].process)
        calls, _ = await measure.throughput(target, options.clients, options.seconds, 1)
        return (machine.used_seconds(asked[target].process) - before) / calls

    for target in asked:
        await measure.throughput(target, options.clients, 1, 1)
    return await measure.interleaved(list(asked), options.rounds, one, random.Random(1))  # noqa: S311


def cost(harness: Harness) -> int:
    """Measure, print and judge; return the exit status."""
    packages.install()
    used, others = harness.measure(take(start(harness), harness.options))
    print(row("", ["CPU per call, us", "/ Envoy's"]))
    for name, costs in used.items():
        cells = [f"{spread(costs).median * 1e6:.0f}", str(spread(ratios(costs, used[FLOOR])))]
        print(row(name, cells))
    limit = Finding("CPU per call", spread(ratios(used[GATEWAY], used[FLOOR])), TIMES_THE_FLOOR, at_most=True)
    print(f"{limit}\n{disturbance({'others': others})}")
    return 0 if limit.met else 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.cost", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--also", type=Path, metavar="FOLDER", help="a checkout with another gateway")
    parser.add_argument("--force", action="store_true", help="measure even while the machine is busy")
    parser.add_argument("--rounds", type=count, default=15)
    parser.add_argument("--clients", type=count, default=16)
    parser.add_argument("--seconds", type=seconds, default=0.5, help="length of a round, in seconds")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the servers' logs")
    return command(parser.parse_args(argv), cost)


if __name__ == "__main__":
    sys.exit(main())
