"""POST /api/embed, and its older form POST /api/embeddings."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from llm_runtime.api.requests import find_runner, read
from llm_runtime.api.work import Work, error_response
from llm_runtime.engines.engine import Embeddings, EmbedJob, EngineError
from llm_runtime.runner import Result, Runner
from llm_runtime.schemas import EmbeddingsRequest, EmbedRequest


async def embed(request: Request) -> Response:
    try:
        body = await read(request, EmbedRequest)
        runner = _runner(request, body.model)
    except EngineError as error:
        return error_response(error.status, error.message)
    texts = [body.input] if isinstance(body.input, str) and body.input else body.input or []
    num_ctx = body.options.num_ctx if body.options else 0
    job = EmbedJob(tuple(texts), body.truncate is not False, num_ctx)

    def fields(result: Result[Embeddings] | None) -> dict[str, Any]:
        found = _fields(result, body.dimensions or 0) if result else {"embeddings": []}
        return {"model": body.model, **found}

    return EmbedAnswer(runner, job, fields, unload=body.unloads)


async def embeddings(request: Request) -> Response:
    try:
        body = await read(request, EmbeddingsRequest)
        if not body.model:
            raise EngineError(400, "model is required")
        runner = _runner(request, body.model)
    except EngineError as error:
        return error_response(error.status, error.message)
    job = EmbedJob((body.prompt,) if body.prompt else ())

    def fields(result: Result[Embeddings] | None) -> dict[str, Any]:
        return {"embedding": result.outcome.vectors[0] if result else []}

    return EmbedAnswer(runner, job, fields, unload=body.unloads)


class EmbedAnswer(Work):
    """Embeds the texts of a job. Without any, it loads the model, and `fields` gets None."""

    def __init__(
        self,
        runner: Runner,
        job: EmbedJob,
        fields: Callable[[Result[Embeddings] | None], dict[str, Any]],
        *,
        unload: bool,
    ) -> None:
        super().__init__(runner, unload=unload)
        self._job, self._fields = job, fields

    async def _write(self) -> None:
        result = None
        if self._job.texts:
            result = await self._runner.embed(self._job)
        else:
            await self._runner.load()
        await self._send_whole(self._fields(result))


def _runner(request: Request, model: str) -> Runner:
    runner = find_runner(request, model)
    if "embedding" not in runner.engine.info.capabilities:
        raise EngineError(400, f'"{model}" does not support embeddings')
    runner.engine.check()
    return runner


def _fields(result: Result[Embeddings], dimensions: int) -> dict[str, Any]:
    vectors = result.outcome.vectors
    if 0 < dimensions < len(vectors[0]):
        vectors = [normalized(vector[:dimensions]) for vector in vectors]
    fields = {
        "embeddings": vectors,
        "total_duration": result.total_ns,
        "load_duration": result.load_ns,
        "prompt_eval_count": result.outcome.prompt_tokens,
    }
    return {name: value for name, value in fields.items() if value}


def normalized(vector: list[float]) -> list[float]:
    """Return the vector at length 1, or zeros if it has no length."""
    length = sum(component**2 for component in vector) ** 0.5
    return [component / max(length, 1e-12) for component in vector]
