"""Load for the gateway, from inside the cluster: k6 as a Job, its summary, its thresholds, and a plot.

    python -m dev.load --scenario ramp --rate 4 --duration 60s

A port-forward would reach one pod only. `--runtime local` runs k6 here, against a gateway without a cluster.
Exit status: 0 the thresholds hold, 1 one is broken, 2 the load could not be run, 130 it was stopped.
"""

import argparse
import os
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from dev import FixableError
from dev.gateway.client import default_url
from dev.load import cluster as load_cluster
from dev.load import lines as load_lines
from dev.load import local as load_local
from dev.load import plot as load_plot
from dev.load.job import IMAGE, SCENARIOS, URL, Run
from dev.load.lines import Request
from dev.settings import CONTEXT

BROKEN_THRESHOLD = 99  # k6's exit status for it
PROGRESS_SECONDS = 5
FAILURES_SHOWN = 10
K6_FAILED = "Request Failed"  # k6's warning without its reason; the request's own line has it


def positive(text: str) -> float:
    """A number above 0, as argparse wants it told."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def duration(text: str) -> float:
    """Seconds of `90`, `30s`, `5m` or `1h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|)", text.strip())
    seconds = float(found[1]) * {"h": 3600, "m": 60}.get(found[2], 1) if found else 0.0
    if seconds < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a duration of a second or more, such as 30s or 5m")
    return seconds


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line; the environment has some defaults, such as those of Tilt's button."""
    given = os.environ
    parser = argparse.ArgumentParser(
        prog="python -m dev.load.command", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--scenario", choices=SCENARIOS, default=given.get("SCENARIO") or "smoke")
    parser.add_argument(
        "--rate", type=positive, default=given.get("RATE") or 1.0, help="requests per second, at the peak"
    )
    parser.add_argument("--duration", type=duration, default=given.get("DURATION") or 30.0, help="30s, 5m")
    parser.add_argument("--url", help=f"the gateway ({URL}; with --runtime local {default_url()})")
    parser.add_argument("--stream", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--max-tokens", type=positive, default=16, help="tokens of an answer, at most")
    parser.add_argument("--ttft-p95", type=positive, default=2.5, help="limit in seconds to the first token")
    parser.add_argument("--model", help="a model other than the gateway's default")
    parser.add_argument("--runtime", default=given.get("PROFILE", ""), help="local: run k6 here")
    parser.add_argument("--image", default=given.get("K6_IMAGE") or IMAGE, help="k6 in the cluster")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the plot")
    options = parser.parse_args(argv)
    if options.scenario not in SCENARIOS:  # argparse does not look at a default
        parser.error(f"SCENARIO={options.scenario} is none of {', '.join(SCENARIOS)}")
    return options


def run_of(options: argparse.Namespace) -> Run:
    """What the options mean for the scripts."""
    url = options.url or (default_url() if options.runtime == "local" else URL)
    settings = {
        "BASE_URL": url,
        "RATE": f"{options.rate:g}",
        "DURATION": f"{options.duration:g}",
        "STREAM": "true" if options.stream else "false",
        "MAX_TOKENS": f"{options.max_tokens:g}",
        "TTFT_P95": f"{options.ttft_p95:g}",
    }
    return Run(options.scenario, settings | ({"MODEL": options.model} if options.model else {}))


@contextmanager
def stoppable() -> Iterator[None]:
    """SIGTERM ends the program as Ctrl-C does, so that the Job goes too."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def follow(lines: Iterable[str]) -> list[Request]:
    """Prints k6's own words as they are, its requests as a line of progress; returns the requests."""
    requests: list[Request] = []
    failures = 0
    reported = time.monotonic()
    for line in lines:
        if found := load_lines.request(line):
            requests.append(found)
            if found.outcome == "failed" and (failures := failures + 1) <= FAILURES_SHOWN:
                print(f"failed: status {found.status} after {found.seconds:.2f} s: {found.error}", flush=True)
            if time.monotonic() - reported >= PROGRESS_SECONDS:
                print(progress(requests), flush=True)
                reported = time.monotonic()
        elif line != K6_FAILED and load_lines.summary(line) is None:
            print(line, flush=True)
    return requests


def progress(requests: Sequence[Request]) -> str:
    """The last seconds in a line."""
    start = min(r.at for r in requests)
    now = max(r.ended for r in requests)
    last = load_lines.window(requests, now - PROGRESS_SECONDS, PROGRESS_SECONDS + 0.001)
    p95 = "-" if last.p95 is None else f"{last.p95:.2f} s"
    return (
        f"{now - start:5.0f} s  offered {last.offered:.1f}/s  answered {last.ok:.1f}/s"
        f"  refused {last.refused:.1f}/s  P95 {p95}  {last.tokens:.0f} tokens/s"
    )


def execute(options: argparse.Namespace) -> tuple[list[Request], int]:
    """Runs k6 where the options say; gives its requests and its exit status."""
    run = run_of(options)
    where = run.settings["BASE_URL"]
    print(f"{run.script}: {options.rate:g} requests/s for {options.duration:g} s at {where}", flush=True)
    if options.runtime == "local":
        with load_local.process(run) as child:
            return follow(load_local.lines(child)), child.wait()
    api = load_cluster.connect(CONTEXT)
    with load_cluster.job(api, run, options.image) as pod:
        return follow(load_cluster.log(api, pod)), load_cluster.exit_status(api, pod)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the load and returns the exit status."""
    options = arguments(argv)
    try:
        with stoppable():
            requests, status = execute(options)
    except FixableError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; the load is removed", file=sys.stderr)
        return 130
    if requests:
        name = f"load-{options.scenario}-{time.strftime('%H%M%S')}.svg"
        title = f"{options.scenario}, {options.rate:g} requests/s for {options.duration:g} s"
        print(f"plot: {load_plot.draw(requests, title, options.out / name)}")
    if status == BROKEN_THRESHOLD:
        return 1
    return 2 if status else 0


if __name__ == "__main__":
    sys.exit(main())
