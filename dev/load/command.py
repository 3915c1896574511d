"""Put load on the gateway with k6, by default from inside the cluster, and print its results.

    python -m dev load --scenario ramp --rate 4 --duration 60s

From outside the cluster a port-forward would reach one pod only. With PROFILE=local, k6 runs on this machine,
against a gateway without a cluster. Exit status: 0 if all thresholds hold, 1 if not, 130 after Ctrl-C.
"""

import argparse
import re
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from dev import FixableError
from dev.gateway.client import default_url
from dev.load import cluster, local
from dev.load.job import IMAGE, SCENARIOS, URL, Run
from dev.load.output import Request, Sent, parse_request, parse_sent, window
from dev.options import Parser
from dev.settings import CONTEXT

BROKEN_THRESHOLD = 99  # k6's exit status for it
PROGRESS_SECONDS = 5
FAILURES_SHOWN = 10
K6_WARNING = "Request Failed"  # k6 gives no reason; the line of the request does


def positive(text: str) -> float:
    """Return a number above 0, or raise what argparse expects."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def duration(text: str) -> float:
    """Return the seconds of `90`, `30s`, `5m` or `1h`, or raise what argparse expects."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h|)", text.strip())
    seconds = float(found[1]) * {"h": 3600, "m": 60}.get(found[2], 1) if found else 0.0
    if seconds < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a duration of a second or more, such as 30s or 5m")
    return seconds


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the options."""
    parser = Parser("load", __doc__)
    parser.add_setting("--scenario", "what the load looks like", choices=SCENARIOS, default="smoke")
    parser.add_setting("--rate", "requests per second at the peak", type=positive, default=1.0)
    parser.add_setting("--duration", "such as 30s or 5m", type=duration, default=30.0)
    parser.add_setting("--stream", "ask for streams", choices=("true", "false"), default="true")
    parser.add_setting("--max-tokens", "limit of each answer", type=positive, default=16)
    parser.add_setting("--ttft-p95", "limit in seconds to the first token", type=positive, default=2.5)
    parser.add_setting("--model", "a model other than the gateway's default")
    parser.add_setting("--profile", "where k6 runs", choices=("cluster", "local"), default="cluster")
    parser.add_setting("--image", "k6 in the cluster", variable="K6_IMAGE", default=IMAGE)
    parser.add_argument("--url", help=f"the gateway (in the cluster {URL}, else {default_url()})")
    return parser.parse(argv)


def run_of(options: argparse.Namespace) -> Run:
    """Return the script and its settings."""
    settings = {
        "BASE_URL": options.url or (default_url() if options.profile == "local" else URL),
        "RATE": f"{options.rate:g}",
        "DURATION": f"{options.duration:g}",
        "STREAM": options.stream,
        "MAX_TOKENS": f"{options.max_tokens:g}",
        "TTFT_P95": f"{options.ttft_p95:g}",
    }
    return Run(options.scenario, settings | ({"MODEL": options.model} if options.model else {}))


@contextmanager
def stoppable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that the load is removed too."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        print("stopped; the load is removed", file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGTERM, before)


def follow(lines: Iterable[str]) -> None:
    """Print k6's own lines as they are, and its requests as a line of progress every few seconds."""
    sent: list[Sent] = []
    requests: list[Request] = []
    failures = 0
    reported = time.monotonic()
    for line in lines:
        if begun := parse_sent(line):
            sent.append(begun)
        elif found := parse_request(line):
            requests.append(found)
            if found.outcome == "failed" and (failures := failures + 1) <= FAILURES_SHOWN:
                print(f"failed: status {found.status} after {found.seconds:.2f} s: {found.error}", flush=True)
        elif line != K6_WARNING:
            print(line, flush=True)
        if sent and time.monotonic() - reported >= PROGRESS_SECONDS:
            print(progress(sent, requests), flush=True)
            reported = time.monotonic()


def progress(sent: Sequence[Sent], requests: Sequence[Request]) -> str:
    """Return a line about the last seconds, and about the requests that have not ended yet."""
    now = max([s.at for s in sent] + [r.ended for r in requests])
    last = window(requests, now - PROGRESS_SECONDS, PROGRESS_SECONDS + 0.001, sent)
    p95 = "-" if last.p95 is None else f"{last.p95:.2f} s"
    return (
        f"{now - sent[0].at:5.0f} s  offered {last.offered:.1f}/s  answered {last.ok:.1f}/s"
        f"  rejected {last.rejected:.1f}/s  in flight {len(sent) - len(requests)}  P95 {p95}"
        f"  {last.tokens:.0f} tokens/s"
    )


def execute(options: argparse.Namespace) -> int:
    """Run k6 where the options say, and return its exit status."""
    run = run_of(options)
    where = run.settings["BASE_URL"]
    print(f"{run.script}: {options.rate:g} requests/s for {options.duration:g} s at {where}", flush=True)
    if options.profile == "local":
        with local.process(run) as child:
            follow(local.lines(child))
            return child.wait(timeout=local.STOP_SECONDS)
    api = cluster.connect(CONTEXT)
    with cluster.job(api, run, options.image) as pod:
        with cluster.api_errors():
            follow(cluster.log(api, pod))
        return cluster.exit_status(api, pod)


def main(argv: list[str]) -> int:
    """Run the command and return its exit status."""
    options = parse(argv)
    with stoppable():
        status = execute(options)
    if status not in (0, BROKEN_THRESHOLD):
        raise FixableError(f"k6 ended with exit status {status}", "see its output above")
    return 1 if status else 0
