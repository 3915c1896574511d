"""The HTTP response of a generation, streamed or whole. The generation ends when the client leaves."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from llm_api.dialects.dialect import AnswerFormat, encode
from llm_api.errors import GatewayError, ShuttingDownError
from llm_api.gateway import Gateway
from llm_api.record import Phases, RequestRecord, clock
from llm_api.server.connection import while_connected
from llm_api.upstream.chunk import Chunk, joined
from llm_api.upstream.client import Job

JSON = "application/json"
SSE = "text/event-stream"
# A line that clients skip (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream).
COMMENT = ": {}\n\n"


class Answer(Response):
    """Generates while it is sent, and records how that ended.

    Attributes:
        waits_for_model: Whether the job's model has first to be found, and waited for.
    """

    waits_for_model = False

    def __init__(
        self, gateway: Gateway, record: RequestRecord, job: Job, answer_format: AnswerFormat
    ) -> None:
        # Not Starlette's __init__: it would make a body and headers.
        self._gateway, self._record, self._job, self._format = gateway, record, job, answer_format
        self._phases = Phases(record.arrived)
        self._started = self._began = False
        self._sent_at = clock()

    @cached_property
    def _sending(self) -> asyncio.Lock:
        """Held while the first piece or a comment is sent: comments come from a task of their own."""
        return asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer.

        Raises:
            GatewayError: The generation failed. If part of the answer was sent, so was the error.
        """
        self._send = send
        self._record.phases = self._phases
        try:
            stayed = await while_connected(scope, receive, self._work())
            self._record.outcome = "ok" if stayed else "cancelled"
        except GatewayError as error:
            await self._end_stream(error)
            raise
        except asyncio.CancelledError:
            # The server has stopped waiting for this request, but its connection is still open.
            stopped = ShuttingDownError("this replica is shutting down", retry_after=1)
            await self._end_stream(stopped)
            raise stopped from None

    def _work(self) -> Coroutine[Any, Any, None]:
        if self.waits_for_model:
            return self._wait_for_model()
        return self._stream() if self._job.stream else self._whole()

    async def _wait_for_model(self) -> None:
        async with self._kept_alive():
            self._job = await self._gateway.settle(self._job, self._phases)
        self._record.model, self.waits_for_model = self._job.model, False
        await self._work()

    # Tokens come up through `emit`, not through an async generator: a timeout around a `yield` would cancel
    # whatever the consumer happens to be doing (https://peps.python.org/pep-0789/).
    async def _stream(self) -> None:
        async with self._kept_alive():
            finish = await self._gateway.generate(self._job, self._phases, self._emit)
        self._record.usage, self._record.finish_reasons = finish.usage, (finish.reason,)
        start = await self._start_stream()
        await self._send_body(start + self._format.last(finish, self._phases), more=False)

    async def _emit(self, chunks: list[Chunk]) -> None:
        content = self._format.pieces(chunks)
        if self._began:  # From here on, a piece or a comment is one message, which is written as a whole.
            await self._send_piece(content)
        else:
            async with self._sending:
                await self._send_piece(content)

    async def _send_piece(self, content: bytes) -> None:
        start = b"" if self._began else await self._start_stream()
        await self._send_body(start + content, more=True)
        self._sent_at = clock()

    async def _start_stream(self) -> bytes:
        """Send the headers with the first token: until then, a failure still has a status of its own."""
        await self._send_stream_headers()
        if self._began:
            return b""
        self._began = True
        return self._format.first()

    async def _send_stream_headers(self) -> None:
        if not self._started:
            headers = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
            if (first_token := self._phases.time_to_first_token) is not None:
                queue = self._phases.durations.queue
                timing = f"queue;dur={1000 * queue:.1f}, first-token;dur={1000 * first_token:.1f}"
                headers.append((b"server-timing", timing.encode()))
            await self._send_headers(self._format.media_type, *headers)

    @asynccontextmanager
    async def _kept_alive(self) -> AsyncIterator[None]:
        """Send comments in silences, which proxies would end, if the format has comments."""
        seconds = self._gateway.settings.stream_keepalive_seconds
        if not (seconds and self._job.stream) or not self._format.media_type.startswith(SSE):
            yield
            return
        comments = asyncio.create_task(self._comment(seconds))
        try:
            yield
        finally:
            comments.cancel()

    @property
    def _progress(self) -> Phases:
        return self._phases

    async def _comment(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(self._sent_at + seconds - clock())
            progress = await self._gateway.waiting.progress(self._job.model, self._progress)
            async with self._sending:
                if clock() - self._sent_at >= seconds:
                    await self._send_stream_headers()
                    await self._send_body(COMMENT.format(progress).encode(), more=True)
                    self._sent_at = clock()

    async def _end_stream(self, error: GatewayError) -> None:
        """Send the error as the last event of a stream. Before the first one, the middleware answers it."""
        if self._started:
            await self._send_body(self._format.error(error), more=False)

    async def _whole(self) -> None:
        chunks: list[Chunk] = []

        async def collect(arrived: list[Chunk]) -> None:
            chunks.extend(arrived)

        finish = await self._gateway.generate(self._job, self._phases, collect)
        self._record.usage, self._record.finish_reasons = finish.usage, (finish.reason,)
        await self._send_whole(encode(self._format.whole(joined(chunks), finish, self._phases)))

    async def _send_whole(self, content: bytes) -> None:
        await self._send_headers(JSON, (b"content-length", str(len(content)).encode()))
        await self._send_body(content, more=False)

    async def _send_headers(self, media_type: str, *headers: tuple[bytes, bytes]) -> None:
        start: Message = {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", media_type.encode()), *headers],
        }
        await self._send(start)
        self._started = True

    async def _send_body(self, content: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": content, "more_body": more})
