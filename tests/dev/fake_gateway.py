"""A gateway on loopback that answers what a test sets up."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

TIMINGS = {"time_to_first_token_seconds": 0.1, "decode_seconds": 0.5, "total_seconds": 0.6}
DONE = {"model": "tiny", "done": True, "usage": {"generated_tokens": 10}, "timings": TIMINGS}


class FakeGateway:
    """`streamed` are the lines of a streamed /generate; `refusals`, by path, take precedence."""

    def __init__(self) -> None:
        self.refusals: dict[str, tuple[int, Any]] = {}
        self.streamed: list[Any] = [
            {"response": "Hel", "done": False},
            {"response": "lo", "done": False},
            DONE,
        ]
        self.asked: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.keys: list[str | None] = []
        self.url = ""

    def answer(self, path: str, body: dict[str, Any] | None) -> tuple[int, bytes]:
        """Return status and content."""
        if path in self.refusals:
            status, content = self.refusals[path]
            return status, content if isinstance(content, bytes) else json.dumps(content).encode()
        if body is not None:
            self.asked.append(body)
            if body.get("model") == "no-such-model":
                return 404, json.dumps(
                    {"error": {"type": "model_not_found", "message": "no such model"}}
                ).encode()
            if body.get("stream"):
                return 200, b"".join(encoded(line) + b"\n" for line in self.streamed)
        answers = {
            "/v1/models": {"data": [{"id": "tiny"}]},
            "/generate": {**DONE, "response": "Hello."},
            "/v1/chat/completions": {"choices": [{"finish_reason": "stop"}]},
        }
        if path in answers:
            return 200, json.dumps(answers[path]).encode()
        return 200, b'llm_requests_total{model="tiny",outcome="ok",route="/generate"} 2.0\n'

    @contextmanager
    def serve(self, port: int = 0) -> Iterator[None]:
        """Listen on a port of loopback inside the block, by default a free one."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, body: dict[str, Any] | None) -> None:
                fake.keys.append(self.headers["Authorization"])
                self._send(*fake.answer(self.path.partition("?")[0], body))

            def _send(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

            def do_DELETE(self) -> None:
                fake.deleted.append(self.path)
                self._send(200, b"{}")

            def log_message(self, *_: Any) -> None:
                pass  # the tests' own output is enough

        with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join(timeout=5)


def encoded(line: Any) -> bytes:
    """Encode a line as the gateway does: text beyond ASCII is not escaped, but for lone surrogates."""
    try:
        return json.dumps(line, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(line).encode()
