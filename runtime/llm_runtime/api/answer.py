"""Turns a job into its HTTP response: NDJSON while it is generated, or one JSON object at the end."""

from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from llm_runtime.api.shapes import Shape
from llm_runtime.api.work import Json, Work
from llm_runtime.engines.engine import Chunk, Finish, Job, UnfinishedError, joined
from llm_runtime.runner import Result, Runner

EMPTY = Chunk()


def timestamp() -> str:
    """Return the current time (UTC) in Ollama's format."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def empty_response(model: str, shape: Shape, reason: str) -> Response:
    """Return a complete response without text, as for a load or unload."""
    content = {"model": model, "created_at": timestamp(), **shape(EMPTY), "done": True, "done_reason": reason}
    return Json(content)


def statistics(result: Result[Finish]) -> dict[str, Any]:
    """Return the fields of the last object, durations in nanoseconds; like Ollama, omit zeros."""
    finish = result.outcome
    fields = {
        "total_duration": result.total_ns,
        "load_duration": result.load_ns,
        "prompt_eval_count": finish.prompt_tokens,
        "prompt_eval_duration": finish.prompt_ns,
        "eval_count": finish.generated_tokens,
        "eval_duration": finish.generated_ns,
    }
    return {"done_reason": finish.reason} | {name: value for name, value in fields.items() if value}


class Answer(Work):
    """Runs a generation."""

    def __init__(
        self, runner: Runner, job: Job, model: str, shape: Shape, *, stream: bool, unload: bool = False
    ) -> None:
        super().__init__(runner, unload=unload)
        self._job, self._model, self._shape, self._stream = job, model, shape, stream

    async def _write(self) -> None:
        await (self._write_stream() if self._stream else self._write_plain())

    async def _write_stream(self) -> None:
        try:
            result = await self._runner.run(self._job, self._emit)
        except UnfinishedError:
            await self._start()
            await self._send({"type": "http.response.body", "body": b""})
            return
        await self._start()
        await self._send_line(self._object(EMPTY, done=True) | statistics(result), more=False)

    async def _write_plain(self) -> None:
        chunks: list[Chunk] = []

        async def collect(chunk: Chunk) -> None:
            chunks.append(chunk)

        try:
            last = statistics(await self._runner.run(self._job, collect))
        except UnfinishedError:
            last = {}
        await self._send_whole(self._object(joined(chunks), done=bool(last)) | last)

    async def _emit(self, chunk: Chunk) -> None:
        if not chunk:
            return
        if not self._started:
            await self._start()
        await self._send_line(self._object(chunk, done=False), more=True)

    def _object(self, chunk: Chunk, *, done: bool) -> dict[str, Any]:
        return {"model": self._model, "created_at": timestamp(), **self._shape(chunk), "done": done}
