"""POST /api/generate and POST /api/chat.

Plain Starlette endpoints rather than FastAPI's: like Ollama they read the body whatever its content type,
and the simulated engine is the baseline of the benchmarks, so its own cost must be small.
"""

from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from llm_runtime.api.answer import Answer, Shape, empty_response, error_response
from llm_runtime.engines.engine import EngineError, Job
from llm_runtime.names import is_name, same_model
from llm_runtime.runner import Runner
from llm_runtime.schemas import ChatRequest, GenerateRequest, Message, ModelRequest, Options, unsupported

DEFAULT_OPTIONS = Options()
INVALID_NAME = "invalid model name"
Body = TypeVar("Body", bound=ModelRequest)


def response_field(text: str) -> dict[str, Any]:
    """Return the field in which /api/generate sends text."""
    return {"response": text}


def message_field(text: str) -> dict[str, Any]:
    """Return the field in which /api/chat sends text."""
    return {"message": {"role": "assistant", "content": text}}


async def generate(request: Request) -> Response:
    try:
        body = await _read(request, GenerateRequest)
        runner = _runner(request, body)
        if not body.prompt:
            return await _load_or_unload(runner, body, response_field)
    except EngineError as error:
        return error_response(error.status, error.message)
    options = body.options or DEFAULT_OPTIONS
    if body.raw:
        job = Job(options, prompt=body.prompt)
    else:
        system = (Message(role="system", content=body.system),) if body.system else ()
        job = Job(options, messages=(*system, Message(role="user", content=body.prompt)))
    return _answer(runner, job, body, response_field)


async def chat(request: Request) -> Response:
    try:
        body = await _read(request, ChatRequest)
        if not body.model:
            raise EngineError(400, "model is required")
        runner = _runner(request, body)
        if not body.messages:
            return await _load_or_unload(runner, body, message_field)
    except EngineError as error:
        return error_response(error.status, error.message)
    job = Job(body.options or DEFAULT_OPTIONS, messages=body.messages)
    return _answer(runner, job, body, message_field)


def explain(invalid: ValidationError) -> str:
    """Return the first validation error, with the path of its field."""
    first = invalid.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    return f"{path}: {first['msg']}" if path else first["msg"]


async def _read(request: Request, kind: type[Body]) -> Body:
    try:
        content = await request.body()
    except ClientDisconnect as gone:
        raise EngineError(499, "request canceled") from gone
    if not content:
        raise EngineError(400, "missing request body")
    try:
        return kind.model_validate_json(content)
    except ValidationError as invalid:
        raise EngineError(400, explain(invalid)) from invalid


def _runner(request: Request, body: ModelRequest) -> Runner:
    """Return the runner, once the request is known to be one that it can serve."""
    runner: Runner = request.state.runner
    if not same_model(body.model, runner.engine.info.name):
        if body.model and not is_name(body.model):
            raise EngineError(400, INVALID_NAME)
        raise EngineError(404, f"model '{body.model}' not found")
    if message := unsupported(body):
        raise EngineError(400, message)
    runner.engine.check()
    return runner


def _answer(runner: Runner, job: Job, body: ModelRequest, shape: Shape) -> Answer:
    return Answer(runner, job, body.model, shape, stream=body.stream is not False, unload=body.unloads)


async def _load_or_unload(runner: Runner, body: ModelRequest, shape: Shape) -> Response:
    """A request without text loads the model, or unloads it when `keep_alive` is zero."""
    if body.unloads:
        await runner.unload()
        return empty_response(body.model, shape, "unload")
    await runner.load()
    return empty_response(body.model, shape, "load")
