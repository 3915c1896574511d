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
    add = parser.add_argument
    add("--peers", action="store_true", help="measure the LiteLLM proxy too, installed into out/")
    add("--profile", action="store_true", help="only profile the gateway under load")
    add("--transports", action="store_true", help="only compare what carries httpx's calls")
    add("--force", action="store_true", help="measure although the machine is busy with other things")
    add("--rounds", type=count, default=7, help="rounds of latency and throughput")
    add("--calls", type=count, default=25, help="calls in a round")
    add("--answer", type=count, default=1, help="tokens of a plain answer")
    add("--clients", type=count, default=16, help="clients at once, for the throughput")
    add("--seconds", type=seconds, default=2.0, help="length of a round of throughput")
    add("--stream-rounds", type=count, default=3, help="rounds of the token rate")
    add("--streams", type=count, default=64, help="streams at once, for the token rate")
    add("--tokens", type=count, default=100, help="tokens of such a stream")
    add("--token-delay", type=seconds, default=0.05, help="seconds between two of its tokens")
    add("--log-level", default="error", help="the gateway's: info is a line for each request")
    add("--seed", type=int, default=1, help="of the order within the rounds")
    add("--out", type=Path, default=Path("out"), help="folder of the figures and logs")
    options = parser.parse_args(argv)
    if options.streams > 200 or options.clients > 200:
        parser.error("--streams and --clients go up to 200")
    if options.tokens > 128:
        parser.error("--tokens goes up to 128: the simulated model says no more")
    return options
