"""Many saves: no stream is cut, no request fails, and nothing is left of the generations before.

The environment variable SAVES sets how many; a hundred take about a minute.
"""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from tests.dev.server.support import Dev

SAVES = int(os.environ.get("SAVES", "25"))
BROKEN, STREAMS = SAVES // 5, 8


class Clients:
    """Two clients that ask all the time, one of them on a new connection for each request."""

    def __init__(self, dev: Dev) -> None:
        self.answered, self.failures = 0, list[str]()
        self._dev, self._stopping = dev, threading.Event()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask until the block ends."""
        new = httpx.Limits(max_keepalive_connections=0)
        with ThreadPoolExecutor(2) as pool:
            for limits in (new, httpx.Limits()):
                pool.submit(self._ask, httpx.Client(base_url=self._dev.url, limits=limits, trust_env=False))
            try:
                yield
            finally:
                self._stopping.set()

    def _ask(self, client: httpx.Client) -> None:
        with client:
            while not self._stopping.wait(0.02):
                try:
                    client.get("/").raise_for_status()
                    self.answered += 1
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))


def memory(dev: Dev) -> int:
    """Return the resident kilobytes of the supervisor and its generations."""
    pids = ",".join(str(pid) for pid in (dev.process.pid, *(child.pid for child in dev.children())))
    shown = subprocess.run(["ps", "-o", "rss=", "-p", pids], capture_output=True, text=True, check=True)
    return sum(int(line) for line in shown.stdout.split())


def save(dev: Dev, word: str) -> None:
    """Save while streams are open; they have to complete on the code that they began on."""
    old = dev.word()
    with ExitStack() as stack:
        streams = [stack.enter_context(dev.stream()) for _ in range(STREAMS)]
        assert [next(stream) for stream in streams] == STREAMS * [f"{old} begins"]
        dev.save(f'WORD = "{word}"')
        dev.serves(word)
        dev.finish_streams()
        assert [list(stream) for stream in streams] == STREAMS * [[f"{old} ends"]]
    (dev.folder / "finish").unlink()
    dev.has_generations(1)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_saves_cut_no_stream_and_fail_no_request(dev: Dev) -> None:
    clients = Clients(dev)
    with clients.asking():
        for number in range(10):
            save(dev, f"first {number}")
        before = memory(dev)
        for number in range(SAVES):
            save(dev, f"word {number}")
    assert clients.failures == []
    assert clients.answered > SAVES
    grown = memory(dev) - before
    print(f"{clients.answered} requests beside {SAVES} saves; {grown} kB more memory than {before} kB")
    assert grown < before / 10


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_broken_saves_among_working_ones_fail_no_request(dev: Dev) -> None:
    clients = Clients(dev)
    breaking: list[Callable[[int], str]] = [
        lambda number: f"WORD = ({number}",
        lambda number: f"import nothing_of_name_{number}",
    ]
    with clients.asking():
        for number in range(BROKEN):
            dev.save(breaking[number % 2](number))
            dev.prints("does not start; the old code serves on", times=number + 1)
            save(dev, f"word {number}")
    assert clients.failures == []
    assert clients.answered > BROKEN
    assert dev.log.count("Traceback") == BROKEN
