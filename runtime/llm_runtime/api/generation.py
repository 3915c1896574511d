"""POST /api/generate and POST /api/chat.

Plain Starlette endpoints rather than FastAPI's: like Ollama they read the body whatever its content type,
and the simulated engine is the baseline of the benchmarks, so its own cost must be small.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from llm_runtime.api.answer import Answer, empty_response
from llm_runtime.api.requests import find_runner, read
from llm_runtime.api.shapes import Shape, chat_fields, generate_fields
from llm_runtime.api.work import error_response
from llm_runtime.capabilities import refusal
from llm_runtime.engines.engine import EngineError, Job
from llm_runtime.runner import Runner
from llm_runtime.schemas import ChatRequest, GenerateRequest, GenerationRequest, Message, Options

DEFAULT_OPTIONS = Options()


async def generate(request: Request) -> Response:
    try:
        body = await read(request, GenerateRequest)
        runner = _runner(request, body)
        if not body.prompt:
            return await _load_or_unload(runner, body, generate_fields)
    except EngineError as error:
        return error_response(error.status, error.message)
    return _answer(runner, generate_job(body), body, generate_fields)


async def chat(request: Request) -> Response:
    try:
        body = await read(request, ChatRequest)
        if not body.model:
            raise EngineError(400, "model is required")
        runner = _runner(request, body)
        if not body.messages:
            return await _load_or_unload(runner, body, chat_fields)
    except EngineError as error:
        return error_response(error.status, error.message)
    return _answer(runner, chat_job(body), body, chat_fields)


def generate_job(body: GenerateRequest) -> Job:
    """Return the job: with `raw` or a suffix, the prompt as it is, else as a user's message."""
    if body.raw or body.suffix:
        suffix = "" if body.raw else body.suffix
        return _job(body, prompt=body.prompt, suffix=suffix)
    system = (Message(role="system", content=body.system),) if body.system else ()
    user = Message(role="user", content=body.prompt, images=body.images)
    return _job(body, messages=(*system, user))


def chat_job(body: ChatRequest) -> Job:
    return _job(body, messages=body.messages or (), tools=body.tools or ())


def _job(body: GenerationRequest, **parts: Any) -> Job:
    return Job(
        options=body.options or DEFAULT_OPTIONS,
        format=body.format,
        think=body.think,
        truncate=body.truncate is not False,
        logprobs=body.top_logprobs or 0 if body.logprobs else None,
        **parts,
    )


def _runner(request: Request, body: GenerationRequest) -> Runner:
    """Return the runner, once the request is known to be one that it can serve."""
    runner = find_runner(request, body.model)
    if message := refusal(body, runner.engine.info.capabilities):
        raise EngineError(400, message)
    runner.engine.check()
    return runner


def _answer(runner: Runner, job: Job, body: GenerationRequest, shape: Shape) -> Answer:
    return Answer(runner, job, body.model, shape, stream=body.stream is not False, unload=body.unloads)


async def _load_or_unload(runner: Runner, body: GenerationRequest, shape: Shape) -> Response:
    """A request without text loads the model, or unloads it when `keep_alive` is zero."""
    if body.unloads:
        await runner.unload()
        return empty_response(body.model, shape, "unload")
    await runner.load()
    return empty_response(body.model, shape, "load")
