"""An OCI registry in memory, as far as `helm push` and `helm pull` use one (OCI distribution spec 1.1)."""

import hashlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Handler(BaseHTTPRequestHandler):
    """Blobs are uploaded whole, by POST and PUT; manifests are found by tag and by digest."""

    stored: dict[str, tuple[str, bytes]]
    refuses: bool

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        kind, content = self.stored.get(self.path, ("", b""))
        if not kind:
            self._reply(404)
            return
        self._reply(200, content, Content_Type=kind, Docker_Content_Digest=_digest(content))

    def do_POST(self) -> None:
        if self.refuses:
            self._reply(403)
        else:
            self._reply(202, Location=f"{self.path}1")

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        url, digest = urlsplit(self.path), _digest(content)
        name = url.path.partition("/blobs/")[0]
        if "/blobs/" in url.path:
            assert parse_qs(url.query)["digest"] == [digest]
            self.stored[f"{name}/blobs/{digest}"] = ("application/octet-stream", content)
        else:
            entry = (self.headers["Content-Type"], content)
            self.stored[url.path] = self.stored[f"{url.path.rpartition('/')[0]}/{digest}"] = entry
        self._reply(201, Location=url.path, Docker_Content_Digest=digest)

    def _reply(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Server(ThreadingHTTPServer):
    """A server whose clients may leave early: helm uploads in parallel, and gives up at the first refusal."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def registry(*, refuses: bool = False) -> Iterator[str]:
    """Serve an empty registry, or one that refuses uploads; yields its host and port."""
    handler = type("Registry", (Handler,), {"stored": {}, "refuses": refuses})
    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
