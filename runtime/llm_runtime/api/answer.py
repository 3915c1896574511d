"""The HTTP answer to a job: NDJSON as it comes, or one JSON object at the end."""

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
Shape = Callable[[str], dict[str, Any]]
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def timestamp() -> str:
    """The time of day as Ollama writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


class Json(JSONResponse):
    """JSON, with the content type that Ollama gives it."""

    media_type = "application/json; charset=utf-8"


def failure(status: int, message: str) -> Json:
    """An error in Ollama's shape."""
    return Json({"error": message}, status)


def whole(model: str, shape: Shape, last: dict[str, Any]) -> Response:
    """A complete answer without text."""
    return Json({"model": model, "created_at": timestamp(), **shape(""), "done": True, **last})


def metrics(result: Result) -> dict[str, Any]:
    """The fields of the last object; Ollama leaves out those that are zero."""
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
    """Do the work; end it when the client leaves."""
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


class Answer(Response):
    """Runs the job when the server sends it; the model then leaves memory if it is the last."""

    def __init__(
        self, runner: Runner, job: Job, model: str, shape: Shape, *, stream: bool, last: bool = False
    ) -> None:
        super().__init__()
        self._runner, self._job, self._model, self._shape = runner, job, model, shape
        self._stream, self._last = stream, last

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the answer, or the failure: a status as long as nothing was sent, then a line."""
        self._send, self._begun = send, False
        try:
            await while_connected(receive, self._write_stream() if self._stream else self._write_plain())
        except DropError:
            # Without the last message of the body the server ends the connection.
            await self._begin()
        except asyncio.CancelledError:
            # The server stops and waits no longer; the connection still stands.
            await self._fail(503, "the runtime is stopping", scope, receive)
        except EngineError as error:
            await self._fail(error.status, str(error), scope, receive)
        except Exception as error:
            log.exception("the engine failed")
            await self._fail(500, str(error), scope, receive)
        finally:
            if self._last:
                await self._runner.unload()

    async def _fail(self, status: int, message: str, scope: Scope, receive: Receive) -> None:
        if self._begun:
            await self._body({"error": message}, more=False)
        else:
            await failure(status, message)(scope, receive, self._send)

    async def _write_stream(self) -> None:
        try:
            result = await self._runner.run(self._job, self._emit)
        except UnfinishedError:
            await self._begin()
            await self._send({"type": "http.response.body", "body": b""})
            return
        await self._begin()
        await self._body(self._object("", done=True) | metrics(result), more=False)

    async def _write_plain(self) -> None:
        pieces: list[str] = []

        async def collect(text: str) -> None:
            pieces.append(text)

        try:
            last = metrics(await self._runner.run(self._job, collect))
        except UnfinishedError:
            last = {}
        body = encode(self._object("".join(pieces), done=bool(last)) | last).encode()
        await self._begin(Json.media_type, len(body))
        await self._send({"type": "http.response.body", "body": body})

    async def _emit(self, text: str) -> None:
        if not self._begun:
            await self._begin()
        await self._body(self._object(text, done=False), more=True)

    def _object(self, text: str, *, done: bool) -> dict[str, Any]:
        return {"model": self._model, "created_at": timestamp(), **self._shape(text), "done": done}

    async def _begin(self, media_type: str = "application/x-ndjson", length: int | None = None) -> None:
        if self._begun:
            return
        self._begun = True
        headers = [(b"content-type", media_type.encode())]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def _body(self, content: dict[str, Any], *, more: bool) -> None:
        line = encode(content).encode(errors="replace") + b"\n"
        await self._send({"type": "http.response.body", "body": line, "more_body": more})
