"""Both ends of a connection by hand: clients that leave, and runtimes that answer any bytes."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import httpx

from tests.api.conftest import TAGS


async def ask(url: str, body: dict[str, Any], path: str = "/generate") -> asyncio.StreamWriter:
    """Send a request and do not read; `close()` leaves."""
    _, writer = await connect(url, body, path)
    return writer


async def connect(
    url: str, body: dict[str, Any], path: str = "/generate"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request on a connection of its own."""
    target, content = httpx.URL(url), json.dumps(body).encode()
    reader, writer = await asyncio.open_connection(target.host, target.port)
    head = f"POST {path} HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: {len(content)}\r\n\r\n"
    writer.write(head.encode() + content)
    return reader, writer


@contextlib.asynccontextmanager
async def runtime_that_says(answer: bytes) -> AsyncIterator[str]:
    """Lists the model, answers a generation with these bytes and ends the connection: its URL."""
    content = json.dumps(TAGS).encode()
    tags = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST"):
            length = head.lower().partition(b"content-length:")[2].split()[0]
            await reader.readexactly(int(length))
        writer.write(answer if head.startswith(b"POST") else tags)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port
