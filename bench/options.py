"""The command line."""

import argparse
from collections.abc import Sequence
from pathlib import Path

DESCRIPTION = "What the gateway adds to a call, beside the simulated runtime alone, as ratios within one run."


def count(text: str) -> int:
    """A whole number of 1 or more, as argparse wants it told."""
    if not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def seconds(text: str) -> float:
    """A duration above 0, as argparse wants it told."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 60:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0, up to 60")
    return value


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options; what is not given is what docs/performance.md was measured with."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=DESCRIPTION)
    parser.add_argument(
        "--peers", action="store_true", help="also measure the LiteLLM proxy, installed into out/"
    )
    parser.add_argument(
        "--profile", action="store_true", help="profile the gateway under load, and nothing else"
    )
    parser.add_argument(
        "--force", action="store_true", help="measure on a machine that is busy with other things"
    )
    parser.add_argument("--rounds", type=count, default=7, help="rounds of latency and throughput")
    parser.add_argument("--calls", type=count, default=25, help="calls in a round")
    parser.add_argument(
        "--answer", type=count, default=1, help="tokens of an answer of latency and throughput"
    )
    parser.add_argument("--clients", type=count, default=16, help="clients at once, for the throughput")
    parser.add_argument("--seconds", type=seconds, default=2.0, help="length of a round of throughput")
    parser.add_argument("--stream-rounds", type=count, default=3, help="rounds of the token rate")
    parser.add_argument("--streams", type=count, default=64, help="streams at once, for the token rate")
    parser.add_argument("--tokens", type=count, default=100, help="tokens of such a stream")
    parser.add_argument("--token-delay", type=seconds, default=0.05, help="seconds between two of its tokens")
    parser.add_argument("--log-level", default="error", help="the gateway's: info is a line for each request")
    parser.add_argument("--seed", type=int, default=1, help="of the order within the rounds")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the figures and logs")
    options = parser.parse_args(argv)
    if options.streams > 200 or options.clients > 200:
        parser.error("--streams and --clients go up to 200")
    if options.tokens > 128:
        parser.error("--tokens goes up to 128: the simulated model says no more")
    return options
