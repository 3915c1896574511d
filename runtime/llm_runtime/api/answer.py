"""Turns a job into its HTTP response: NDJSON while it is generated, or one JSON object at the end."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from llm_runtime.engines.engine import DropError, EngineError, Job, UnfinishedError
from llm_runtime.runner import Result, Runner

log = logging.getLogger("uvicorn.error")
Shape = Callable[[str], dict[str, Any]]  # text -> the field that holds it in the response
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def timestamp() -> str:
    """Return the current time (UTC) in Ollama's format."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Json(JSONResponse):
    """JSON with the content type that Ollama sends."""

    media_type = "application/json; charset=utf-8"


def error_response(status: int, message: str) -> Json:
    """Return an error in Ollama's format."""
    return Json({"error": message}, status)


def empty_response(model: str, shape: Shape, reason: str) -> Response:
    """Return a complete response without text, as for a load or unload."""
    content = {"model": model, "created_at": timestamp(), **shape(""), "done": True, "done_reason": reason}
    return Json(content)


def statistics(result: Result) -> dict[str, Any]:
    """Return the fields of the last object, durations in nanoseconds; like Ollama, omit zeros."""
    finish = result.finish
    fields = {
        "total_duration": result.total_ns,
        "load_duration": result.load_ns,
        "prompt_eval_count": finish.prompt_tokens,
        "prompt_eval_duration": finish.prompt_ns,
        "eval_count": finish.generated_tokens,
        "eval_duration": finish.generated_ns,
    }
    return {"done_reason": finish.reason} | {name: value for name, value in fields.items() if value}


async def while_connected(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Run `work`, cancelling it when the client disconnects."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - ASGI apps run in tasks
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


class Answer(Response):
    """Runs the job when the server sends the response, then unloads the model if asked to."""

    def __init__(
        self, runner: Runner, job: Job, model: str, shape: Shape, *, stream: bool, unload: bool = False
    ) -> None:
        super().__init__()
        self._runner, self._job, self._model, self._shape = runner, job, model, shape
        self._stream, self._unload = stream, unload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer; an error is a status before the first byte, and an `error` line after it."""
        self._send, self._started = send, False
        try:
            await while_connected(receive, self._write_stream() if self._stream else self._write_plain())
        except DropError:
            # Without the last message of the body, the server closes the connection.
            await self._start()
        except asyncio.CancelledError:
            # The server's grace period is over; the connection is still open.
            await self._fail(503, "the runtime is stopping", scope, receive)
        except EngineError as error:
            await self._fail(error.status, str(error), scope, receive)
        except Exception as error:
            log.exception("the engine failed")
            await self._fail(500, str(error), scope, receive)
        finally:
            if self._unload:
                await self._runner.unload()

    async def _fail(self, status: int, message: str, scope: Scope, receive: Receive) -> None:
        if self._started:
            await self._send_line({"error": message}, more=False)
        else:
            await error_response(status, message)(scope, receive, self._send)

    async def _write_stream(self) -> None:
        try:
            result = await self._runner.run(self._job, self._emit)
        except UnfinishedError:
            await self._start()
            await self._send({"type": "http.response.body", "body": b""})
            return
        await self._start()
        await self._send_line(self._object("", done=True) | statistics(result), more=False)

    async def _write_plain(self) -> None:
        pieces: list[str] = []

        async def collect(text: str) -> None:
            pieces.append(text)

        try:
            last = statistics(await self._runner.run(self._job, collect))
        except UnfinishedError:
            last = {}
        body = encode(self._object("".join(pieces), done=bool(last)) | last).encode()
        await self._start(Json.media_type, len(body))
        await self._send({"type": "http.response.body", "body": body})

    async def _emit(self, text: str) -> None:
        if not self._started:
            await self._start()
        await self._send_line(self._object(text, done=False), more=True)

    def _object(self, text: str, *, done: bool) -> dict[str, Any]:
        return {"model": self._model, "created_at": timestamp(), **self._shape(text), "done": done}

    async def _start(self, media_type: str = "application/x-ndjson", length: int | None = None) -> None:
        """Send the status and headers, unless they were sent before."""
        if self._started:
            return
        self._started = True
        headers = [(b"content-type", media_type.encode())]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _send_line(self, content: dict[str, Any], *, more: bool) -> None:
        line = encode(content).encode(errors="replace") + b"\n"
        await self._send({"type": "http.response.body", "body": line, "more_body": more})
