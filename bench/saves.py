"""Measure how long a save of api/main.py takes to be live, under `tilt up` or in the local profile.

    python -m bench.saves [--count 20] [--url http://localhost:8000] [--bare cluster]

The file is restored at the end, even after an error. With --bare, the gateway and a bare FastAPI app under
`uvicorn --reload` are saved in turn, for a ratio: in the cluster under a Tilt of its own, or as a process.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing

from bench import BenchError, bare
from bench.saving import App, Save, saves
from bench.servers import ROOT
from dev.gateway.client import default_url

MAIN = ROOT / "api/main.py"


def in_turn(apps: Sequence[App], count: int) -> Iterator[list[Save]]:
    """Save a file of each app, one app after the other; yield what each took."""
    with ExitStack() as stack:
        taken = [stack.enter_context(closing(saves(app, count))) for app in apps]
        yield from map(list, zip(*taken, strict=True))


def report(app: App, took: list[Save]) -> None:
    """Print the median of each part, and the extremes."""
    brought, noticed, started, total = (
        [getattr(save, part) for save in took] for part in ("brought", "noticed", "started", "total")
    )
    print(
        f"{app.name}: median of {len(took)} saves {statistics.median(total):.2f} s"
        f" ({min(total):.2f} to {max(total):.2f}): brought {statistics.median(brought):.2f},"
        f" noticed and imported {statistics.median(noticed):.2f}, started {statistics.median(started):.2f}"
    )


def main() -> int:
    """Run the measurement and return its exit status, 2 if a save was not live in time."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.saves", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--url", default=default_url(), help="default: $LLM_URL, else localhost:8000")
    parser.add_argument("--bare", choices=bare.PLACES, help="compare with a bare FastAPI app there")
    options = parser.parse_args()
    apps = [App("the gateway", options.url, MAIN)]
    try:
        with ExitStack() as stack:
            if options.bare:
                apps.append(stack.enter_context(bare.PLACES[options.bare]()))
            rounds = []
            for took in in_turn(apps, options.count):
                rounds.append(took)
                each = ", ".join(
                    f"{app.name} {save.total:.2f} s" for app, save in zip(apps, took, strict=True)
                )
                print(f"save {len(rounds):3}: {each}", flush=True)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    columns = [list(column) for column in zip(*rounds, strict=True)]
    for app, column in zip(apps, columns, strict=True):
        report(app, column)
    if options.bare:
        ours, theirs = (statistics.median(save.total for save in column) for column in columns)
        print(f"ratio of the medians: {ours / theirs:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
