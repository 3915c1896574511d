"""Count the streams that never stall: direct, through Envoy and through the gateway, more and more at once.

    python -m bench.stalls [--streams 128 256 320 384 512]

Client and runtime share a core and stall themselves when there are too many streams. So the gateway is judged
by the largest number of which nearly all are smooth without it.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import BenchError, envoy, measure, packages, run, servers, steady, targets
from bench.goals import DIRECT, FLOOR, GATEWAY, SMOOTH_AT_LEAST, Finding
from bench.harness import Harness, command
from bench.options import count, seconds
from bench.report import disturbance, rates, row
from bench.servers import MODEL, Server
from bench.stats import spread
from bench.targets import Target

Smooth = Mapping[str, Sequence[float]]  # how many never stalled, by target, one number for each round


def judge(found: Mapping[int, Smooth]) -> Finding:
    """Judge the gateway, given what was found for each number of streams.

    Raises:
        BenchError: too many stall in every number, without a gateway.
    """
    told = [streams for streams, of in found.items() if _direct(of) >= SMOOTH_AT_LEAST * streams]
    if not told:
        raise BenchError("streams stall without a gateway, too: try fewer at once, with --streams")
    most = max(told)
    values = [smooth / _direct(found[most]) for smooth in found[most][GATEWAY]]
    goal = f"of {most} streams, those that never stall, gateway / direct"
    return Finding(goal, spread(values), SMOOTH_AT_LEAST)


def _direct(smooth: Smooth) -> float:
    return statistics.median(smooth[DIRECT])


def start(harness: Harness) -> dict[Target, Server]:
    """Start the servers; return what is asked of which."""
    runtime = harness.start(servers.runtime(), beside_client=True)
    floor = harness.start(envoy.recipe(runtime.url))
    gateway = harness.start(servers.gateway(runtime.url, "error"))
    started = {DIRECT: runtime, FLOOR: floor, GATEWAY: gateway}
    asked = targets.beside_floor({name: server.url for name, server in started.items()}, MODEL)
    return {target: started[target.name] for target in asked}


async def take(asked: Mapping[Target, Server], options: argparse.Namespace) -> dict[int, Smooth]:
    """Return how many streams never stalled, for each number of them at once."""
    chance = random.Random(1)  # noqa: S311
    await run.set_pace(next(iter(asked.values())), options.delay)
    found: dict[int, Smooth] = {}
    for streams in options.streams:

        async def smooth(target: Target, streams: int = streams) -> float:
            return (await steady.streams(target, asked[target].process, streams, options.tokens)).smooth

        found[streams] = await measure.interleaved(list(asked), options.rounds, smooth, chance)
    return found


def stalls(harness: Harness) -> int:
    """Measure, print and judge; return the exit status."""
    packages.install()
    asked = start(harness)
    found, others = harness.measure(take(asked, harness.options))
    print(row("streams at once, and smooth", [target.name for target in asked]))
    for streams, smooth in found.items():
        print(row(str(streams), [rates(values) for values in smooth.values()]))
    limit = judge(found)
    print(f"{limit}\n{disturbance({'others': others})}")
    return 0 if limit.met else 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.stalls", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--streams", type=count, nargs="+", default=[128, 256, 320, 384, 512])
    parser.add_argument("--rounds", type=count, default=7)
    parser.add_argument("--tokens", type=count, default=64, help="of each stream")
    parser.add_argument("--delay", type=seconds, default=0.02, help="between two tokens, in seconds")
    parser.add_argument("--force", action="store_true", help="measure even while the machine is busy")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the servers' logs")
    return command(parser.parse_args(argv), stalls)


if __name__ == "__main__":
    sys.exit(main())
