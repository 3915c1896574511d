"""HTTP by hand: clients that send or read what no HTTP library would, and runtimes that answer any bytes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.support.in_process import TAGS
from tests.waiting import within


@dataclass
class Connection:
    """A client's connection to the gateway."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, text: str | bytes) -> None:
        self.writer.write(text.encode("latin-1") if isinstance(text, str) else text)
        await within("the gateway to read", self.writer.drain())

    async def send_until_closed(self, text: str, pause: float) -> None:
        """Send the text again and again until the gateway closes the connection."""

        async def send() -> None:
            with suppress(ConnectionError):
                while not self.reader.at_eof():
                    await self.send(text)
                    await asyncio.sleep(pause)

        await within("the gateway to close the connection", send())

    async def until(self, end: bytes) -> bytes:
        """Read until these bytes have arrived."""
        return await within(f"{end!r} from the gateway", self.reader.readuntil(end))

    async def response(self) -> tuple[int, dict[str, str], bytes]:
        """Read a response with a Content-Length; return its status, headers and body."""
        head = (await self.until(b"\r\n\r\n")).decode()
        first, *lines = head.splitlines()
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        length = int(headers["content-length"])
        body = await within(f"{length} bytes of body after {head!r}", self.reader.readexactly(length))
        return int(first.split()[1]), headers, body

    async def rest(self) -> bytes:
        """Read until the connection ends, even if it ends with a reset."""
        received = b""

        async def read() -> None:
            nonlocal received
            with suppress(ConnectionError):
                while data := await self.reader.read(65536):
                    received += data

        await within("the gateway to close the connection", read(), saw=lambda: received)
        return received

    def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Connection]:
    """Connect to a gateway; the end of the block closes the connection."""
    connection = await connect(url)
    try:
        yield connection
    finally:
        connection.close()
        with suppress(ConnectionError):
            await within("the connection to close", connection.writer.wait_closed())


async def connect(url: str) -> Connection:
    """Connect to a gateway."""
    target = httpx.URL(url)
    opening = asyncio.open_connection(target.host, target.port)
    return Connection(*await within(f"a connection to {url}", opening))


async def post(url: str, body: dict[str, Any], path: str = "/generate") -> Connection:
    """Send a request on a connection of its own, and read nothing."""
    content = json.dumps(body).encode()
    connection = await connect(url)
    head = f"POST {path} HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: {len(content)}\r\n\r\n"
    await connection.send(head.encode() + content)
    return connection


@asynccontextmanager
async def runtime_answering(response: bytes) -> AsyncIterator[str]:
    """Run a runtime that lists MODEL, answers generations with these bytes, and then closes the connection.

    Yields:
        Its URL.
    """
    content = json.dumps(TAGS).encode()
    tags = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"POST"):
            length = head.lower().partition(b"content-length:")[2].split()[0]
            await reader.readexactly(int(length))
        writer.write(response if head.startswith(b"POST") else tags)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await within("the runtime to stop", server.wait_closed())
