"""Measure how long a save of api/main.py takes to be live, under `tilt up` or in the local profile.

    python -m bench.saves [--count 20] [--url http://localhost:8000] [--bare]

Each save adds a route that returns a different word; the file is restored at the end, even after an error.
With --bare, the gateway and a bare FastAPI app under `uvicorn --reload` are saved in turn, for a ratio.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import repeat
from pathlib import Path

from bench import BenchError
from bench.servers import ROOT
from dev.gateway.client import default_url

MAIN = ROOT / "api/main.py"
PATH = "/saved"
ROUTE = '\n\n@app.get("{path}", include_in_schema=False)\ndef saved() -> str:\n    return "{word}"\n'
BARE = "from fastapi import FastAPI\n\napp = FastAPI()\n"
POLL_SECONDS = 0.02
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy to this machine


@contextmanager
def restored(main: Path) -> Iterator[str]:
    """Yield the text of a file, and write it back at the end."""
    original = main.read_text()
    try:
        yield original
    finally:
        main.write_text(original)


@contextmanager
def bare_app() -> Iterator[tuple[str, Path]]:
    """Serve a bare FastAPI app under `uvicorn --reload`; yield its address and its file."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        main = Path(folder) / "main.py"
        main.write_text(BARE)
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        command = [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--reload"]
        process = subprocess.Popen([*command, "--log-level", "critical"], cwd=folder)  # noqa: S603
        try:
            url = f"http://127.0.0.1:{port}"
            wait(url, "", patience=60)
            yield url, main
        finally:
            process.terminate()
            process.wait()


def served(url: str) -> str | None:
    """Return the added route's word, "" if there is no such route, None if the gateway is not reachable."""
    try:
        with OPENER.open(url + PATH, timeout=5) as response:
            return str(json.load(response))
    except urllib.error.HTTPError:
        return ""
    except OSError:
        return None


def wait(url: str, word: str, patience: float) -> float:
    """Wait until the route returns the word ("": until the route is gone), and return the seconds it took.

    Raises:
        BenchError: it took longer than `patience` seconds.
    """
    began = time.monotonic()
    while served(url) != word:
        if time.monotonic() - began > patience:
            raise BenchError(
                f"a save was not live within {patience:g} s: is `tilt up` or `make local` running?"
            )
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def saves(
    url: str, count: int, patience: float = 60, main: Path | None = None
) -> Generator[float, None, None]:
    """Save a file `count` times, each time after the last save is live; yield the seconds that each took.

    Raises:
        BenchError: a save took longer than `patience` seconds.
    """
    main = main or MAIN
    with restored(main) as original:
        for number in range(count):
            word = f"{time.time_ns():x}-{number}"
            main.write_text(original + ROUTE.format(path=PATH, word=word))
            yield wait(url, word, patience)
    wait(url, "", patience)


def report(name: str, took: list[float]) -> None:
    """Print the median and the extremes."""
    spread = f"fastest {min(took):.2f} s, slowest {max(took):.2f} s"
    print(f"{len(took)} saves of {name}: median {statistics.median(took):.2f} s, {spread}")


def main() -> int:
    """Run the measurement and return its exit status, 2 if a save was not live in time."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.saves", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--url", default=default_url(), help="default: $LLM_URL, else localhost:8000")
    parser.add_argument("--bare", action="store_true", help="compare with a bare FastAPI app")
    options = parser.parse_args()
    took: list[float] = []
    bare: list[float] = []
    try:
        with ExitStack() as stack:
            others: Iterator[float | None] = repeat(None)
            if options.bare:
                url, file = stack.enter_context(bare_app())
                others = stack.enter_context(closing(saves(url, options.count, main=file)))
            for seconds, other in zip(saves(options.url, options.count), others, strict=False):
                took.append(seconds)
                bare += [] if other is None else [other]
                beside = "" if other is None else f" (a bare app: {other:.2f} s)"
                print(f"save {len(took):3}: live after {seconds:.2f} s{beside}", flush=True)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    report("the gateway", took)
    if bare:
        report("a bare app", bare)
        print(f"ratio of the medians: {statistics.median(took) / statistics.median(bare):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
