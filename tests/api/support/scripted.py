"""A server that sends the bytes it is told to, whatever they are."""

import asyncio
import contextlib

from tests.waiting import until, within


class ScriptedServer:
    """Answers the requests of each connection with its script, in order, and then closes it if `ends`."""

    def __init__(self, *script: bytes, ends: bool) -> None:
        self.script, self.ends = script, ends
        self.connections = self.closed = 0
        self.requests: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await within("the server to stop", asyncio.gather(*self._tasks, return_exceptions=True))

    async def closes(self) -> None:
        """Wait until a connection has ended."""
        await until("a closed connection", lambda: self.closed)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._respond(reader, writer)
        self.closed += 1

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for response in self.script:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((line for line in head.lower().split(b"\r\n") if b"content-length" in line), b": 0")
            self.requests.append(head + await reader.readexactly(int(length.rpartition(b":")[2])))
            writer.write(response)
            await writer.drain()
        if not self.ends:
            await reader.read()
