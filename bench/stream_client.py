"""Streams answers and prints the token rate as JSON: `python stream_client.py < REQUEST`, in a pod or here.

Standard library only, and one file, because it also runs inside the gateway's pod. A request is
{"url": ..., "streams": N, "tokens": N, "ca": PATH or "", "key": ...}.
"""

import http.client
import json
import socket
import ssl
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

SECONDS = 120  # for the next piece of a stream


def connect(url: str, ca: str) -> http.client.HTTPConnection:
    """Return a connection to a URL's host; names under localhost are this machine, resolver or not."""
    address = urlsplit(url)
    host, port = address.hostname or "", address.port
    if address.scheme == "http":
        return http.client.HTTPConnection(host, port or 80, timeout=SECONDS)
    context = ssl.create_default_context(cafile=ca or None)
    connection = http.client.HTTPSConnection(host, port or 443, timeout=SECONDS, context=context)
    place = "127.0.0.1" if host.endswith(".localhost") else host
    raw = socket.create_connection((place, port or 443), timeout=SECONDS)
    connection.sock = context.wrap_socket(raw, server_hostname=host)
    return connection


def stream(request: dict[str, Any]) -> tuple[int, int]:
    """Stream one answer; return the number of its tokens, and of the pieces that arrived apart.

    Raises:
        OSError: the answer is not a stream that ends with `done`.
    """
    body = {"prompt": "Count.", "stream": True, "options": {"num_predict": request["tokens"]}}
    headers = {"Content-Type": "application/json"}
    if request.get("key"):
        headers["Authorization"] = f"Bearer {request['key']}"
    connection = connect(request["url"], request.get("ca", ""))
    connection.request("POST", "/generate", json.dumps(body), headers)
    response = connection.getresponse()
    if response.status != 200:
        raise OSError(f"{request['url']} answered {response.status}: {response.read(300)!r}")
    tokens, pieces, last, done = 0, 0, 0.0, False
    while line := response.readline():
        now = time.perf_counter()
        event = json.loads(line)
        if "error" in event:
            raise OSError(f"the stream has an error: {line!r}")
        tokens += bool(event.get("response"))
        pieces += now - last > 0.001
        last, done = now, bool(event.get("done"))
    connection.close()
    if not done:
        raise OSError(f"the stream of {request['url']} ended before its answer")
    return tokens, pieces


def main() -> None:
    """Read a request from standard input, and print the rate."""
    request: dict[str, Any] = json.load(sys.stdin)
    with ThreadPoolExecutor(request["streams"]) as pool:
        began = time.perf_counter()
        answers = list(pool.map(stream, [request] * request["streams"]))
        seconds = time.perf_counter() - began
    tokens, pieces = map(sum, zip(*answers, strict=True))
    print(json.dumps({"tokens": tokens, "pieces": pieces, "seconds": seconds, "rate": tokens / seconds}))


if __name__ == "__main__":
    main()
