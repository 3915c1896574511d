"""The HTTP answer to a generation; it ends the work when the client leaves, streaming or not."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from llm_api.dialects.dialect import Shape, encode
from llm_api.errors import GatewayError, ShuttingDownError, response
from llm_api.gateway import Gateway
from llm_api.trace import Trace
from llm_api.upstream.client import Job

JSON = "application/json"


class Answer(Response):
    """Generates when the server sends it, and notes in the trace how that ended."""

    def __init__(self, gateway: Gateway, trace: Trace, job: Job, shape: Shape) -> None:
        super().__init__()
        self._gateway, self._trace, self._job, self._shape = gateway, trace, job, shape
        self._begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the answer, or the failure: a status as long as nothing was sent, then an event."""
        self._send = send
        try:
            stayed = await while_connected(receive, self._stream() if self._job.stream else self._whole())
            self._trace.outcome = "ok" if stayed else "cancelled"
        except GatewayError as error:
            await self._fail(error, scope, receive)
        except asyncio.CancelledError:
            # The server stops and waits no longer; the connection still stands.
            await self._fail(ShuttingDownError("this replica stops", retry_after=1), scope, receive)

    async def _fail(self, error: GatewayError, scope: Scope, receive: Receive) -> None:
        self._trace.failed(error)
        if self._begun:
            await self._body(self._shape.error(error), more=False)
        else:
            await response(error)(scope, receive, self._send)

    async def _stream(self) -> None:
        finish = await self._gateway.generate(self._job, self._trace, self._emit)
        opening = await self._begin_stream()
        await self._body(opening + self._shape.last(finish), more=False)

    async def _whole(self) -> None:
        texts: list[str] = []

        async def collect(pieces: list[str]) -> None:
            texts.extend(pieces)

        finish = await self._gateway.generate(self._job, self._trace, collect)
        body = encode(self._shape.whole("".join(texts), finish))
        await self._begin(JSON, (b"content-length", str(len(body)).encode()))
        await self._body(body, more=False)

    async def _emit(self, texts: list[str]) -> None:
        opening = await self._begin_stream()
        await self._body(opening + self._shape.pieces(texts), more=True)

    async def _begin_stream(self) -> bytes:
        """Send the status at the first token: until then a failure still has a status of its own."""
        if self._begun:
            return b""
        await self._begin(
            self._shape.media_type, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")
        )
        return self._shape.first()

    async def _begin(self, media_type: str, *headers: tuple[bytes, bytes]) -> None:
        self._begun = True
        start: Message = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", media_type.encode()), *headers],
        }
        await self._send(start)

    async def _body(self, content: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": more})


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> bool:
    """Do the work, and end it when the client leaves: whether the client stayed."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - ASGI calls come from tasks
    left = False

    async def watch() -> None:
        nonlocal left
        while (await receive())["type"] != "http.disconnect":
            pass
        left = True
        task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        await work
    except asyncio.CancelledError:
        if not left:
            raise
        task.uncancel()
    finally:
        watcher.cancel()
    return not left
