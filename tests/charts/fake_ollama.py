"""As much of `ollama serve` as charts/llm-runtime/files/ollama.sh uses, and a record of what it asked.

The port comes from OLLAMA_HOST, answers by path from the JSON file FAKE_ANSWERS ({path: [status, lines]},
where a missing path is 404 and status 0 hangs), and each request goes as a line into the file FAKE_RECORD.
"""

import json
import os
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[2] / "charts/llm-runtime/files/ollama.sh"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.answer()

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        with Path(os.environ["FAKE_RECORD"]).open("a") as record:
            record.write(json.dumps([self.path, json.loads(body or "null")]) + "\n")
        answers = json.loads(Path(os.environ["FAKE_ANSWERS"]).read_text())
        status, lines = answers.get(self.path, [404, [{"error": "not found"}]])
        while status == 0:
            time.sleep(1)
        self.send_response(status)
        self.end_headers()
        self.wfile.write("\n".join(json.dumps(line, separators=(",", ":")) for line in lines).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: the record has it."""


class Pod:
    """A place where the script finds an `ollama`, its answers, and its environment."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        self.answers, self.record = folder / "answers.json", folder / "record"
        self.record.touch()
        self.environment = {
            "PATH": f"{folder}:{os.environ['PATH']}",
            "OLLAMA_HOST": f"0.0.0.0:{self.port}",
            "MODEL": "gemma3:270m",
            "MODEL_SOURCE": "mirror:5000/library/gemma3:270m",
            "MODEL_INSECURE": "true",
            "MODEL_THREADS": "2",
            "TMPDIR": str(folder),
            "FAKE_ANSWERS": str(self.answers),
            "FAKE_RECORD": str(self.record),
        }
        ollama = folder / "ollama"
        ollama.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} "$@"\n')
        ollama.chmod(0o755)

    def run(
        self, *arguments: str, answers: dict[str, Any], **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the script against a server with these answers to paths."""
        self.answers.write_text(json.dumps({"/": [200, ["Ollama is running"]], **answers}))
        return subprocess.run(
            ["bash", str(SCRIPT), *arguments],
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
        )

    def asked(self) -> list[tuple[str, Any]]:
        """Path and body of each request but those that wait for the server."""
        lines = [json.loads(line) for line in self.record.read_text().splitlines()]
        return [(path, body) for path, body in lines if path != "/"]


if __name__ == "__main__":
    if "FAKE_BROKEN" in os.environ:
        sys.exit("Error: no space left on device")
    HTTPServer(("127.0.0.1", int(os.environ["OLLAMA_HOST"].rpartition(":")[2])), Handler).serve_forever()
