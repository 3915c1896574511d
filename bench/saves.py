"""Measure how long a save of api/main.py takes to be live, under `tilt up` or in the local profile.

    python -m bench.saves [--count 20] [--url http://localhost:8000] [--place local] [--bare]

The file is restored at the end, even after an error. With --bare, the gateway and a bare FastAPI app under
`uvicorn --reload` are saved in turn, for a ratio: in the cluster under a Tilt of its own, or as a process.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from pathlib import Path

from bench import BenchError, bare, record
from bench.saving import App, Save, saves
from bench.servers import ROOT
from dev.gateway.client import default_url
from dev.settings import TILT_PORT

MAIN = ROOT / "api/main.py"


def in_turn(apps: Sequence[App], count: int) -> Iterator[list[Save]]:
    """Save a file of each app, one app after the other; yield what each took."""
    with ExitStack() as stack:
        taken = [stack.enter_context(closing(saves(app, count))) for app in apps]
        yield from map(list, zip(*taken, strict=True))


PARTS = ("watched", "copied", "loaded", "started")


def report(app: App, took: list[Save]) -> None:
    """Print the median of each part, and the extremes."""
    total = [save.total for save in took]
    parts = PARTS if app.tilt else PARTS[2:]
    each = ", ".join(
        f"{part} {statistics.median(getattr(save, part) for save in took):.2f}" for part in parts
    )
    print(
        f"{app.name}: median of {len(took)} saves {statistics.median(total):.2f} s"
        f" ({min(total):.2f} to {max(total):.2f}): {each}"
    )


def options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.saves", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--url", default=default_url(), help="default: $LLM_URL, else localhost:8000")
    parser.add_argument("--place", choices=bare.PLACES, default="cluster", help="where the gateway runs")
    parser.add_argument("--bare", action="store_true", help="compare with a bare FastAPI app there")
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="folder for the raw figures")
    return parser.parse_args()


def measure(given: argparse.Namespace) -> dict[str, list[Save]]:
    """Save and print each time; return what the saves of each app took, and print the medians.

    Raises:
        BenchError: a save was not live in time.
    """
    apps = [App("the gateway", given.url, MAIN, TILT_PORT if given.place == "cluster" else None)]
    rounds = []
    with ExitStack() as stack:
        if given.bare:
            apps.append(stack.enter_context(bare.PLACES[given.place]()))
        for took in in_turn(apps, given.count):
            rounds.append(took)
            each = ", ".join(f"{app.name} {save.total:.2f} s" for app, save in zip(apps, took, strict=True))
            print(f"save {len(rounds):3}: {each}", flush=True)
    columns = [list(column) for column in zip(*rounds, strict=True)]
    for app, column in zip(apps, columns, strict=True):
        report(app, column)
    return {app.name: column for app, column in zip(apps, columns, strict=True)}


def main() -> int:
    """Run the measurement and return its exit status, 2 if a save was not live in time."""
    given = options()
    try:
        took = measure(given)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if given.bare:
        ours, theirs = (statistics.median(save.total for save in column) for column in took.values())
        print(f"ratio of the medians: {ours / theirs:.2f}")
    raw = {name: [asdict(save) for save in column] for name, column in took.items()}
    given.out.mkdir(parents=True, exist_ok=True)
    print(f"raw figures: {record.write(record.context(given) | {'saves': raw}, given.out, 'saves')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
