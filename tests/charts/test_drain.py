"""The preStop hook of our own servers: a pod ends when it is idle, whatever it was asked before."""

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).parents[2]
DRAIN = ROOT / "charts/llm-api/files/drain.py"
SERVERS = {
    "api": ["llm_requests_running", "llm_requests_waiting"],
    "runtime": ["llm_runtime_requests_running", "llm_runtime_requests_waiting"],
}


class Metrics(HTTPServer):
    """A server whose gauges take their values from lists, one for each question, the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = ["running 0"]
        self.asked = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/metrics"


class Handler(BaseHTTPRequestHandler):
    server: Metrics

    def do_GET(self) -> None:
        body = self.server.answers[min(self.server.asked, len(self.server.answers) - 1)]
        self.server.asked += 1
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"# HELP running x\n{body}\n".encode())

    def log_message(self, *_: Any) -> None:
        """Keep the test's output to itself."""


@pytest.fixture
def metrics() -> Iterator[Metrics]:
    with Metrics() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def drain(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(DRAIN), url, *arguments], capture_output=True, text=True)


def test_both_charts_ship_the_same_hook() -> None:
    assert (ROOT / "charts/llm-runtime/files/drain.py").read_text() == DRAIN.read_text()


def test_an_idle_server_ends_at_the_first_question(metrics: Metrics) -> None:
    assert drain(metrics.url, "0", "60", "running").returncode == 0
    assert metrics.asked == 1


def test_it_waits_until_every_gauge_is_zero(metrics: Metrics) -> None:
    metrics.answers = [
        "running 1\nwaiting 1",
        "running 1.0\nwaiting 0",
        "running 0.0\nwaiting 1",
        "running 0\nwaiting 0",
    ]
    assert drain(metrics.url, "0", "60", "running", "waiting").returncode == 0
    assert metrics.asked == 4


def test_it_gives_up_in_the_end(metrics: Metrics) -> None:
    metrics.answers = ["running 1"]
    assert drain(metrics.url, "0", "0.7", "running").returncode == 0
    assert metrics.asked == 2


def test_it_serves_on_for_a_while_even_if_idle(metrics: Metrics) -> None:
    begun = time.monotonic()
    assert drain(metrics.url, "0.5", "60", "running").returncode == 0
    assert time.monotonic() - begun >= 0.5


def test_a_server_without_the_gauge_is_an_error_that_is_told(metrics: Metrics) -> None:
    done = drain(metrics.url, "0", "60", "sprinting")
    assert (done.returncode, done.stderr) == (1, f"{metrics.url}: no sprinting\n")


def test_a_server_that_is_gone_is_an_error_that_is_told() -> None:
    done = drain("http://127.0.0.1:9/metrics", "0", "60", "running")
    assert done.returncode == 1
    assert "http://127.0.0.1:9/metrics" in done.stderr


@pytest.mark.parametrize("folder", SERVERS)
def test_each_of_our_servers_exports_what_its_hook_waits_for(folder: str) -> None:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--log-level", "warning"],
        cwd=ROOT / folder,
        env={**os.environ, "RUNTIME_ENGINE": "simulated", "LLM_RUNTIME_URL": "http://127.0.0.1:9"},
    )
    try:
        url = f"http://127.0.0.1:{port}/metrics"
        answer_of(url, server)
        done = drain(url, "0", "10", *SERVERS[folder])
        assert (done.returncode, done.stderr) == (0, "")
    finally:
        server.terminate()
        server.wait(timeout=20)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def answer_of(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until the server answers; fail where it ended instead."""
    while True:
        assert server.poll() is None, "the server ended"
        try:
            httpx.get(url)
        except httpx.ConnectError:
            time.sleep(0.05)
        else:
            return
