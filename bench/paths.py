"""`python -m bench.paths`: the token rate of streams by each path to a running platform.

The paths: inside the gateway's pod, by Tilt's port-forward, and by the Gateway over HTTPS. The same client
takes all of them in turn, several rounds. A simulated model (ENGINE=simulated) answers as fast as it can,
after a prefill of 20 ms. Exit status: 0 where every stream ended with its answer, 2 where nothing could be
measured.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench import BenchError, record, stream_client
from bench.options import count
from dev.doctor import tools
from dev.https.authority import FILE
from dev.settings import API_PORT, CONTEXT, HTTPS_HOST, HTTPS_PORT, NAMESPACE, RUNTIME_PORT

CLIENT = Path(stream_client.__file__)
SECONDS = 300
# Traefik may cut an answer that begins sooner (docs/https.md), and no model is as fast.
PREFILL_SECONDS = 0.02
DIRECT, FORWARD, GATEWAY = "inside the pod", "port-forward", "Gateway (HTTPS)"
Rates = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Route:
    """A way to the platform: the command that runs the client, and the request that it gets."""

    command: list[str]
    request: dict[str, Any]


def routes(options: argparse.Namespace) -> dict[str, Route]:
    """Return the paths by name."""
    here = [sys.executable, str(CLIENT)]
    kubectl = [tools.path("kubectl"), "--context", CONTEXT, "--namespace", NAMESPACE]
    pod = [*kubectl, "exec", "--stdin", "deployment/llm-api", "--", "python", "-c", CLIENT.read_text()]
    common = {"streams": options.streams, "tokens": options.tokens, "key": options.key}
    return {
        DIRECT: Route(pod, {**common, "url": f"http://127.0.0.1:{API_PORT}"}),
        FORWARD: Route(here, {**common, "url": f"http://127.0.0.1:{options.api_port}"}),
        GATEWAY: Route(
            here, {**common, "url": f"https://{HTTPS_HOST}:{options.https_port}", "ca": str(options.ca)}
        ),
    }


def ask(route: Route) -> dict[str, float]:
    """Return what the client measured.

    Raises:
        BenchError: it failed, or did not end.
    """
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            route.command,
            input=json.dumps(route.request),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{route.request['url']}: no result within {SECONDS} s") from error
    if done.returncode:
        # kubectl's own line comes after the client's.
        reason = "; ".join(done.stderr.strip().splitlines()[-2:]) or "failed"
        raise BenchError(f"{route.request['url']}: {reason}")
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


@contextmanager
def simulated(runtime: str, tokens: int) -> Iterator[None]:
    """Let a simulated model make this many tokens at once after its prefill; another is left as it is.

    Raises:
        BenchError: the runtime does not answer.
    """
    fast = {"tokens": tokens, "first_token_seconds": PREFILL_SECONDS, "token_seconds": 0.0}
    before = exchange_behavior(runtime, fast)
    try:
        yield
    finally:
        if before:
            exchange_behavior(runtime, {name: before[name] for name in fast})


def exchange_behavior(runtime: str, wanted: Mapping[str, float]) -> dict[str, float]:
    """Change how a simulated model behaves, and return how it did; nothing where it is not simulated.

    Raises:
        BenchError: the runtime does not answer, or refuses.
    """
    with httpx.Client(base_url=runtime, trust_env=False, timeout=10) as http:
        try:
            answer = http.get("/simulator")
            if answer.status_code == httpx.codes.NOT_FOUND:
                return {}
            before: dict[str, float] = answer.raise_for_status().json()["behavior"]
            http.post("/simulator", json={"behavior": wanted}).raise_for_status()
        except httpx.HTTPError as error:
            raise BenchError(f"{runtime}: {error}") from error
    return before


def measure(
    found: Mapping[str, Route], rounds: int, seed: int, run: Callable[[Route], dict[str, float]] = ask
) -> dict[str, list[float]]:
    """Return the token rates of the rounds, each of which takes every path once, in random order."""
    rates: dict[str, list[float]] = {name: [] for name in found}
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(rounds):
        for name in chance.sample(list(found), len(found)):
            rates[name].append(run(found[name])["rate"])
    return rates


def table(rates: Rates) -> list[str]:
    """Return the medians, and each path's part of the rate inside the pod, as lines."""
    direct = statistics.median(rates[DIRECT])
    lines = [f"{'path':<18} {'tokens/s':>9} {'of direct':>9}  lowest to highest"]
    for name, values in rates.items():
        median = statistics.median(values)
        spread = f"{min(values):.0f} to {max(values):.0f}"
        lines.append(f"{name:<18} {median:>9.0f} {median / direct:>9.3f}  {spread}")
    return lines


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the options."""
    parser = argparse.ArgumentParser(prog="python -m bench.paths", description=__doc__.partition("\n")[0])
    add = parser.add_argument
    add("--streams", type=count, default=16, help="simultaneous streams, no more than the gateway holds")
    add("--tokens", type=count, default=1000, help="tokens of each")
    add("--rounds", type=count, default=5, help="rounds")
    add("--seed", type=int, default=1, help="of the order within the rounds")
    add("--key", default="", help="an API key of the gateway")
    add("--api-port", type=int, default=API_PORT, help="of the port-forward")
    add("--runtime", default=f"http://127.0.0.1:{RUNTIME_PORT}", help="the runtime's address")
    add("--https-port", type=int, default=HTTPS_PORT, help="of the Gateway")
    add("--ca", type=Path, default=FILE, help="the certificate of the Gateway's authority")
    add("--out", type=Path, default=Path("out"), help="folder for the figures")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print a table, and return the exit status."""
    options = arguments(argv)
    try:
        with simulated(options.runtime, options.tokens):
            rates = measure(routes(options), options.rounds, options.seed)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(table(rates)))
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"raw figures: {record.write(record.context(options) | {'rates': rates}, options.out)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
