"""The token rate by each path to a running platform."""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench import BenchError, paths
from dev.doctor import tools
from tests.runtime.serving import serve

EVENTS = [{"response": "a"}, {"response": "b"}, {"response": "", "done": True}]


class Streaming(BaseHTTPRequestHandler):
    """Answers /generate with a stream of the class's events, in chunks."""

    protocol_version = "HTTP/1.1"
    events = EVENTS

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in self.events:
            line = json.dumps(event).encode() + b"\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Streaming, "events", EVENTS)
    with ThreadingHTTPServer(("127.0.0.1", 0), Streaming) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()


def route(url: str) -> paths.Route:
    return paths.Route([sys.executable, str(paths.CLIENT)], {"url": url, "streams": 3, "tokens": 2})


def test_the_client_counts_the_tokens_of_all_streams(server: str) -> None:
    answer = paths.ask(route(server))
    assert answer["tokens"] == 6
    assert answer["rate"] == pytest.approx(6 / answer["seconds"])


@pytest.mark.parametrize(
    ("events", "message"),
    [(EVENTS[:2], "ended before its answer"), ([{"error": "broken"}], "the stream has an error")],
)
def test_a_stream_without_its_end_is_no_result(
    events: list[dict[str, object]], message: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Streaming, "events", events)
    with pytest.raises(BenchError, match=message):
        paths.ask(route(server))


def test_the_client_needs_the_standard_library_alone() -> None:
    # -S leaves site-packages out.
    command = [
        sys.executable,
        "-S",
        "-c",
        paths.CLIENT.read_text().replace('__name__ == "__main__"', "False"),
    ]
    assert subprocess.run(command, check=False, timeout=60).returncode == 0


def test_each_round_takes_every_path_once_in_random_order() -> None:
    found = {name: paths.Route([], {"url": name}) for name in (paths.DIRECT, paths.FORWARD, paths.GATEWAY)}
    asked: list[str] = []

    def run(route: paths.Route) -> dict[str, float]:
        asked.append(route.request["url"])
        return {"rate": float(len(asked))}

    rates = paths.measure(found, 4, 1, run)
    rounds = [asked[start : start + 3] for start in range(0, 12, 3)]
    assert all(sorted(one) == sorted(found) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1
    assert [len(values) for values in rates.values()] == [4, 4, 4]


def test_the_table_has_each_paths_part_of_the_rate_inside_the_pod() -> None:
    rates = {paths.DIRECT: [100.0, 200.0, 300.0], paths.FORWARD: [160.0], paths.GATEWAY: [190.0]}
    text = "\n".join(paths.table(rates))
    assert "0.800" in text
    assert "0.950" in text
    assert "100 to 300" in text


def test_the_paths_lead_to_the_ports_and_the_authority_of_the_options(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tools, "path", lambda name: f"/tools/{name}")
    options = paths.arguments(["--api-port", "8001", "--https-port", "9443", "--ca", str(tmp_path / "ca")])
    found = paths.routes(options)
    assert found[paths.DIRECT].command[:3] == ["/tools/kubectl", "--context", "kind-llm"]
    assert found[paths.FORWARD].request["url"] == "http://127.0.0.1:8001"
    assert found[paths.GATEWAY].request["url"] == "https://llm.localhost:9443"
    assert found[paths.GATEWAY].request["ca"] == str(tmp_path / "ca")


async def test_a_simulated_model_is_as_before_when_all_is_measured() -> None:
    async with AsyncExitStack() as stack:
        runtime = await serve(stack, tokens=7, token_seconds=0.5)

        def measured() -> dict[str, float]:
            with paths.simulated(f"http://127.0.0.1:{runtime.port}", tokens=300):
                return paths.exchange_behavior(f"http://127.0.0.1:{runtime.port}", {})

        during = await asyncio.to_thread(measured)
        assert (during["tokens"], during["token_seconds"]) == (300, 0.0)
        after = (await runtime.state())["behavior"]
        assert (after["tokens"], after["token_seconds"], after["first_token_seconds"]) == (7, 0.5, 0.0)


def test_a_runtime_that_does_not_answer_is_no_result() -> None:
    with (
        pytest.raises(BenchError, match="Connection refused"),
        paths.simulated("http://127.0.0.1:9", tokens=1),
    ):
        pass
