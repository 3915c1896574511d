"""The command line of `python -m bench`."""

import argparse
from collections.abc import Sequence
from pathlib import Path

DESCRIPTION = "What the gateway adds to a call, beside the simulated runtime alone, as ratios within one run."


def count(text: str) -> int:
    """Parse a whole number of 1 or more."""
    if not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def seconds(text: str) -> float:
    """Parse a duration of more than 0 and up to 60 seconds."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 60:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds above 0, up to 60")
    return value


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the options; the defaults are those of docs/performance.md."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=DESCRIPTION)
    add = parser.add_argument
    add("--peers", action="store_true", help="also measure Envoy and LiteLLM, installed into bench/peers/")
    add("--force", action="store_true", help="measure even while other processes keep the machine busy")
    add("--rounds", type=count, default=7, help="rounds of latency and throughput")
    add("--calls", type=count, default=25, help="calls in a round")
    add("--answer", type=count, default=1, help="tokens of a plain answer")
    add("--clients", type=count, default=16, help="simultaneous clients, for the throughput")
    add("--seconds", type=seconds, default=2.0, help="length of a round of throughput, in seconds")
    add("--stream-rounds", type=count, default=3, help="rounds of the token rate")
    add("--streams", type=count, default=64, help="simultaneous streams, for the token rate")
    add("--tokens", type=count, default=100, help="tokens of each of these streams")
    add("--token-delay", type=seconds, default=0.05, help="delay between two of their tokens, in seconds")
    add("--paced-seconds", type=seconds, default=1.0, help="length of a trial of a steady rate, in seconds")
    add("--smooth-streams", type=count, default=512, help="simultaneous streams, to see which ones stall")
    add("--smooth-tokens", type=count, default=64, help="tokens of each of these streams")
    add("--smooth-delay", type=seconds, default=0.02, help="delay between two of their tokens, in seconds")
    add("--log-level", default="error", help="of the gateway; info logs a line for each request")
    add("--seed", type=int, default=1, help="of the order within the rounds")
    add("--out", type=Path, default=Path("out"), help="folder for the figures and logs")
    options = parser.parse_args(argv)
    if options.streams > 200 or options.clients > 200:
        parser.error("--streams and --clients go up to 200")
    if options.smooth_streams > 1000:
        parser.error("--smooth-streams goes up to 1000")
    if max(options.tokens, options.smooth_tokens) > 128:
        parser.error("--tokens and --smooth-tokens go up to 128, as long as the simulated model's answers")
    return options
