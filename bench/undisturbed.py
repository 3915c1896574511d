"""Measure whether saves of api/main.py disturb the gateway's clients, and what memory they leave behind.

    python -m bench.undisturbed [--count 100] [--broken 20] [--streams 8] [--pods]

While the file is saved, a number of streams is always open, and plain requests are made one after the other.
Streams of up to 40 tokens have to take less than ten seconds each, as older code may be ended then: set
RUNTIME_SIMULATED_TOKEN_SECONDS=0.05, and RUNTIME_SLOTS and LLM_MAX_RUNNING to more than the streams.
"""

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench import BenchError
from bench.saves import MAIN
from bench.saving import App, restored, save, wait
from dev.gateway.client import default_url
from dev.settings import CONTEXT

SYNTAX_ERROR = "\n\ndef broken(:\n"
PATIENCE_SECONDS = 60
SAVE_SECONDS = 1.5
"""Between two saves, at least."""

PROCESSES = """
import glob, os
sizes = []
for path in glob.glob("/proc/[0-9]*/smaps_rollup"):
    try:
        lines = open(path).read().splitlines()
        command = open(path.replace("smaps_rollup", "cmdline")).read()
        folder = os.readlink(path.replace("smaps_rollup", "cwd"))
    except OSError:
        continue
    if "dev.server" in command and folder == FOLDER:
        sizes.append(sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")))
print(len(sizes), sum(sizes) // 1024)
"""


@dataclass
class Clients:
    """What the clients have seen."""

    streams: int = 0
    requests: int = 0
    failures: list[str] = field(default_factory=list)

    async def stream(self, http: httpx.AsyncClient, tokens: int) -> None:
        """Read one stream to its end."""
        body = {"prompt": "Why is the sky blue?", "stream": True, "options": {"num_predict": tokens}}
        last = ""
        try:
            async with http.stream("POST", "/generate", json=body) as response:
                response.raise_for_status()
                async for line in response.aiter_lines():
                    last = line or last
            if not json.loads(last).get("done"):
                self.failures.append(f"a stream ended with {last!r}")
        except (httpx.HTTPError, ValueError) as error:
            self.failures.append(f"a stream failed: {error!r}")
            await asyncio.sleep(1)
        self.streams += 1

    async def streams_forever(self, http: httpx.AsyncClient) -> None:
        """Open one stream after the other."""
        while True:
            await self.stream(http, random.randint(10, 40))  # noqa: S311

    async def requests_forever(self, http: httpx.AsyncClient) -> None:
        """Make one request after the other."""
        while True:
            try:
                (await http.get("/v1/models")).raise_for_status()
            except httpx.HTTPError as error:
                self.failures.append(f"a request failed: {error!r}")
            self.requests += 1
            await asyncio.sleep(0.05)

    @contextlib.asynccontextmanager
    async def at_work(self, url: str, streams: int) -> AsyncIterator[None]:
        """Keep streams open and make requests until the block ends."""
        async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
            work = [self.streams_forever(http) for _ in range(streams)]
            tasks = [asyncio.create_task(each) for each in [*work, self.requests_forever(http)]]
            try:
                await asyncio.sleep(1)
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)


def processes(pods: bool) -> str:
    """Return how many processes of the gateway there are, here or in its pod, and what memory they use."""
    there = ["kubectl", "--context", CONTEXT, "-n", "llm", "exec", "deploy/llm-api", "--", "python"]
    python, folder = (there, Path("/app/api")) if pods else ([sys.executable], MAIN.parent)
    command = [*python, "-c", f"FOLDER = {str(folder)!r}{PROCESSES}"]
    count, size = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603
    return f"{count} processes, {size} MiB"


def save_often(app: App, count: int, broken: int) -> None:
    """Save the file; some of the saves, evenly spread, have a syntax error, and the next one repairs it."""
    with restored(app) as original:
        for number in range(count):
            began = time.monotonic()
            if number * broken // count != (number + 1) * broken // count:
                app.main.write_text(original + SYNTAX_ERROR)
                time.sleep(SAVE_SECONDS)
            word = f"{time.time_ns():x}"
            save(app, original, word)
            wait(app.url, word, PATIENCE_SECONDS)
            time.sleep(max(0, began + SAVE_SECONDS - time.monotonic()))


async def measure(options: argparse.Namespace) -> int:
    """Save while clients are at work; return the exit status, 1 if one of them was disturbed."""
    app, clients = App("the gateway", options.url, MAIN), Clients()
    print(f"before: {processes(options.pods)}", flush=True)
    began = time.monotonic()
    async with clients.at_work(options.url, options.streams):
        await asyncio.to_thread(save_often, app, options.count, options.broken)
        print(f"at the end: {processes(options.pods)}", flush=True)
    print(
        f"{options.count} saves and {options.broken} with an error in {time.monotonic() - began:.0f} s:"
        f" {clients.streams} streams ended, {clients.requests} requests, {len(clients.failures)} failures"
    )
    await asyncio.sleep(5)
    print(f"after: {processes(options.pods)}")
    print(*clients.failures[:10], sep="\n")
    return 1 if clients.failures else 0


def main() -> int:
    """Run the measurement and return its exit status, 2 if a save was not live in time."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.undisturbed", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--broken", type=int, default=20, help="saves more, which have a syntax error")
    parser.add_argument("--streams", type=int, default=8)
    parser.add_argument("--url", default=default_url(), help="default: $LLM_URL, else localhost:8000")
    parser.add_argument("--pods", action="store_true", help="count the processes in the gateway's pod")
    try:
        return asyncio.run(measure(parser.parse_args()))
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
