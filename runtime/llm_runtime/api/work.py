"""A response whose work is done while the server sends it, and stops when the client leaves."""

import asyncio
import json
import logging
from collections.abc import Coroutine
from typing import Any

from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from llm_runtime.engines.engine import DropError, EngineError
from llm_runtime.runner import Runner

log = logging.getLogger("uvicorn.error")
encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Json(JSONResponse):
    """JSON with the content type that Ollama sends."""

    media_type = "application/json; charset=utf-8"


def error_response(status: int, message: str) -> Json:
    """Return an error in Ollama's format."""
    return Json({"error": message}, status)


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


class Work(Response):
    """Does the work when the server sends the response, then unloads the model if asked to."""

    def __init__(self, runner: Runner, *, unload: bool) -> None:
        super().__init__()
        self._runner, self._unload = runner, unload

    async def _write(self) -> None:
        """Do the work and send the response."""
        raise NotImplementedError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response; an error is a status before the first byte, and an `error` line after it."""
        self._send, self._started = send, False
        try:
            await while_connected(receive, self._write())
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

    async def _send_whole(self, content: dict[str, Any]) -> None:
        body = encode(content).encode(errors="replace")
        await self._start(Json.media_type, len(body))
        await self._send({"type": "http.response.body", "body": body})
