"""A development server on loopback, with a small app whose streams end when a test says so."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import httpx

from tests.processes import PLAIN, ROOT, free_port
from tests.waiting import SECONDS, equals, until_sync

APP = """
import asyncio, os
from pathlib import Path
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from words import WORD

PID = str(os.getpid())

async def word(request):
    return PlainTextResponse(WORD)

async def pid(request):
    return PlainTextResponse(PID)

class Stream(Response):
    # Ends when the test says so, or with a last line when the server does.

    async def __call__(self, scope, receive, send):
        async def line(text, more=True):
            body = f"{WORD} {text}\\n".encode()
            await send({"type": "http.response.body", "body": body, "more_body": more})

        await send({"type": "http.response.start", "status": 200, "headers": []})
        await line("begins")
        try:
            while not Path("finish").exists():
                await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            await line("is cut", more=False)
            raise
        await line("ends", more=False)

async def stream(request):
    return Stream()

app = Starlette(routes=[Route("/", word), Route("/pid", pid), Route("/stream", stream)])
"""
HOLD = """
import time
from pathlib import Path
Path("loading-{word}").touch()
while not Path("go-{word}").exists():
    time.sleep(0.01)
WORD = "{word}"
"""
"""A module that is not imported until a test lets it be."""


class Process(NamedTuple):
    """A process as `ps` shows it."""

    parent: int
    pid: int
    group: int

    @property
    def is_zygote(self) -> bool:
        """Whether it leads a group, as a zygote does and a generation does not."""
        return self.pid == self.group


@dataclass
class Dev:
    """A running development server.

    Attributes:
        folder: Its project; `words.py` has the WORD that the app answers with.
        http: A client with one connection, which it keeps open.
        streams: A client with a new connection for each stream.
    """

    process: subprocess.Popen[bytes]
    folder: Path
    url: str
    http: httpx.Client
    streams: httpx.Client
    output: Path
    ended: bool = False

    @property
    def log(self) -> str:
        """What it has printed."""
        return self.output.read_text()

    def save(self, text: str, name: str = "words.py") -> None:
        """Write a file of the project."""
        (self.folder / name).write_text(text)

    def word(self) -> str:
        """Ask for the word on the connection that is kept open."""
        return self.http.get("/").raise_for_status().text

    def serves(self, word: str) -> None:
        """Wait until the app answers with a word; each request on the way has to succeed."""
        until_sync(f"the word {word!r}", self.word, equals(word))

    def prints(self, text: str, times: int = 1) -> None:
        """Wait until the output has a text so many times."""
        until_sync(f"{text!r} in the output", lambda: self.log, lambda log: log.count(text) >= times)

    def children(self) -> list[Process]:
        """Return the processes that the server has started, and they, and that live."""
        listed, found = processes(), list[Process]()
        parents = {self.process.pid}
        while new := [each for each in listed if each.parent in parents]:
            found += new
            parents = {each.pid for each in new}
        return found

    def generations(self) -> list[Process]:
        """Return the processes of the generations that live."""
        return [each for each in self.children() if not each.is_zygote]

    def zygote(self) -> Process | None:
        """Return the process that generations are forked from, if there is one."""
        return next((each for each in self.children() if each.is_zygote), None)

    def has_generations(self, count: int) -> None:
        """Wait until so many live."""
        until_sync(f"{count} generations", lambda: len(self.generations()), equals(count))

    def stop(self) -> None:
        """Stop the server as a pod is stopped, and wait until it has ended."""
        self.ended = True
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(SECONDS)

    @contextmanager
    def stream(self) -> Iterator[Iterator[str]]:
        """Open a stream; yield its lines, once the first of them has come."""
        with self.streams.stream("GET", "/stream") as response:
            yield response.iter_lines()

    def finish_streams(self) -> None:
        """Let all streams end, of every generation."""
        (self.folder / "finish").touch()


def processes() -> list[Process]:
    """Return every process that has not ended."""
    command = ["ps", "-A", "-o", "ppid=,pid=,pgid=,stat="]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    fields = [line.split() for line in shown.splitlines()]
    return [Process(*map(int, numbers)) for *numbers, state in fields if "Z" not in state]


@contextmanager
def dev_server(
    folder: Path, *arguments: str, words: str = 'WORD = "one"', wait: bool = True
) -> Iterator[Dev]:
    """Serve the app from a folder until the block ends; by default wait until it serves."""
    (folder / "main.py").write_text(APP)
    (folder / "words.py").write_text(words)
    port, output = free_port(), folder.with_suffix(".txt")
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "dev.server", "main:app", "--port", str(port), *arguments]
    with output.open("w") as out:
        process = subprocess.Popen(
            [*command, "--timeout-graceful-shutdown", "0"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    new = httpx.Limits(max_keepalive_connections=0)
    with (
        httpx.Client(base_url=url, timeout=60, trust_env=False, verify=PLAIN) as http,
        httpx.Client(base_url=url, timeout=60, trust_env=False, verify=PLAIN, limits=new) as streams,
    ):
        dev = Dev(process, folder, url, http, streams, output)
        try:
            if wait:
                dev.prints("reload: serving")
            yield dev
            assert dev.ended or process.poll() is None, f"the server has ended: {dev.log}"
        finally:
            dev.stop()
