"""Measure how long a save of api/main.py takes to be live, under `tilt up` or in the local profile.

    python -m bench.saves [--count 20] [--url http://localhost:8000]

Each save adds a route that returns a different word; the file is restored at the end, even after an error.
"""

import argparse
import json
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from bench import BenchError
from bench.servers import ROOT
from dev.gateway.client import default_url

MAIN = ROOT / "api/main.py"
PATH = "/saved"
ROUTE = '\n\n@app.get("{path}", include_in_schema=False)\ndef saved() -> str:\n    return "{word}"\n'
POLL_SECONDS = 0.02
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy to this machine


@contextmanager
def restored() -> Iterator[str]:
    """Yield the text of MAIN, and write it back at the end."""
    original = MAIN.read_text()
    try:
        yield original
    finally:
        MAIN.write_text(original)


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


def saves(url: str, count: int, patience: float = 60) -> Iterator[float]:
    """Save the file `count` times, each time after the last save is live; yield the seconds that each took.

    Raises:
        BenchError: a save took longer than `patience` seconds.
    """
    with restored() as original:
        for number in range(count):
            word = f"{time.time_ns():x}-{number}"
            MAIN.write_text(original + ROUTE.format(path=PATH, word=word))
            yield wait(url, word, patience)
    wait(url, "", patience)


def main() -> int:
    """Run the measurement and return its exit status, 2 if a save was not live in time."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.saves", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--url", default=default_url(), help="default: $LLM_URL, else localhost:8000")
    options = parser.parse_args()
    took = []
    try:
        for seconds in saves(options.url, options.count):
            took.append(seconds)
            print(f"save {len(took):3}: live after {seconds:.2f} s", flush=True)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(
        f"{len(took)} saves: median {statistics.median(took):.2f} s,"
        f" fastest {min(took):.2f} s, slowest {max(took):.2f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
