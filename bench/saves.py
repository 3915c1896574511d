"""How long a save of api/main.py takes until it is served, under `tilt up` or `make local`.

    python -m bench.saves [--count 20] [--url http://localhost:8000]

Each save adds a route that answers with a word of its own; the file is put back at the end, whatever happens.
"""

import argparse
import statistics
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import BenchError
from dev.gateway.client import default_url

MAIN = Path(__file__).resolve().parent.parent / "api/main.py"
PATH = "/saved"
ROUTE = '\n\n@app.get("{path}", include_in_schema=False)\ndef saved() -> str:\n    return "{word}"\n'
POLL_SECONDS = 0.02


@contextmanager
def kept(path: Path) -> Iterator[str]:
    """The file's text; it has that text again afterwards."""
    original = path.read_text()
    try:
        yield original
    finally:
        path.write_text(original)


def asked(url: str) -> str | None:
    """What the added route answers; empty where there is none, None where nobody answers."""
    try:
        with urllib.request.urlopen(url + PATH, timeout=5) as answer:  # noqa: S310 - the user's own URL
            return str(answer.read().decode()).strip().strip('"')
    except urllib.error.HTTPError:
        return ""
    except OSError:
        return None


def until(url: str, word: str, patience: float) -> float:
    """Seconds until the route answers with a word (empty: until it is gone).

    Raises:
        BenchError: it did not in time.
    """
    began = time.monotonic()
    while asked(url) != word:
        if time.monotonic() - began > patience:
            raise BenchError(f"a save was not served within {patience:g} s: does `tilt up` run?")
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began


def saves(url: str, count: int, patience: float = 60) -> Iterator[float]:
    """Saves the file so often, each when the one before is served; the seconds that each took."""
    with kept(MAIN) as original:
        for number in range(count):
            word = f"{time.time_ns():x}-{number}"
            MAIN.write_text(original + ROUTE.format(path=PATH, word=word))
            yield until(url, word, patience)
    until(url, "", patience)


def main() -> int:
    """The command; its exit status."""
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
            print(f"save {len(took):3}: served after {seconds:.2f} s", flush=True)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"{len(took)} saves, each served: median {statistics.median(took):.2f} s,"
        f" fastest {min(took):.2f} s, slowest {max(took):.2f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
