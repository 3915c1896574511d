"""As much of the program `ollama` as charts/llm-runtime/files/ollama.sh uses, and a record of its calls.

The server listens on the port of OLLAMA_HOST. Like Ollama's, a client fails without it; otherwise it appends
its arguments to the file FAKE_CALLS, then prints and exits as the file FAKE_RESULTS says, which has JSON such
as {"ps": [status, stdout, stderr]}. With null it waits until the server is gone.
"""

import json
import os
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Handler(BaseHTTPRequestHandler):
    """Stands for llama-server, too: the script asks it for /slots."""

    def do_GET(self) -> None:
        record(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(result_of(self.path), separators=(",", ":")).encode())

    def log_message(self, *_: object) -> None:
        """Keep the test's output to itself."""


def record(*call: str) -> None:
    with Path(os.environ["FAKE_CALLS"]).open("a") as calls:
        calls.write(json.dumps(call) + "\n")


def result_of(call: str) -> Any:
    return json.loads(Path(os.environ["FAKE_RESULTS"]).read_text())[call]


def serve(port: int) -> None:
    if "FAKE_BROKEN" in os.environ:
        sys.exit(f"Error: {os.environ['FAKE_BROKEN']}")
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


def client(port: int, command: str, *arguments: str) -> None:
    # Go asks the proxy for any address but loopback: net/http, ProxyFromEnvironment.
    host = os.environ["OLLAMA_HOST"].rpartition(":")[0]
    if os.environ.get("HTTP_PROXY") and host != "127.0.0.1":
        sys.exit("Error: proxyconnect tcp: connection refused")
    try:
        server = socket.create_connection(("127.0.0.1", port))
    except ConnectionRefusedError:
        sys.exit("Error: could not connect to ollama server, run 'ollama serve' to start it")
    if command == "create":
        *others, modelfile = arguments
        record(command, *others, Path(modelfile).read_text())
    else:
        record(command, *arguments)
    result = result_of(command)
    if result is None:
        server.recv(1)
        sys.exit("Error: unexpected EOF")
    status, stdout, stderr = result
    sys.stdout.write(stdout)
    sys.stderr.write(stderr)
    sys.exit(status)


if __name__ == "__main__":
    PORT = int(os.environ["OLLAMA_HOST"].rpartition(":")[2])
    if sys.argv[1] == "serve":
        serve(PORT)
    else:
        client(PORT, *sys.argv[1:])
