"""POST /api/generate and POST /api/chat.

Plain Starlette endpoints: the body is read whatever its content type says, as Ollama does, and the
simulated engine is the yardstick of benchmarks, so that little should stand in its way.
"""

from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from llm_runtime.api.answer import Answer, Shape, failure, whole
from llm_runtime.api.schemas import ChatRequest, GenerateRequest, Message, ModelRequest, Options, unsupported
from llm_runtime.engines.engine import EngineError, Job
from llm_runtime.names import is_name, same_model
from llm_runtime.runner import Runner

DEFAULT_OPTIONS = Options()
INVALID_NAME = "invalid model name"
R = TypeVar("R", bound=ModelRequest)


def as_response(text: str) -> dict[str, Any]:
    """A piece of text as /api/generate has it."""
    return {"response": text}


def as_message(text: str) -> dict[str, Any]:
    """A piece of text as /api/chat has it."""
    return {"message": {"role": "assistant", "content": text}}


async def generate(request: Request) -> Response:
    """POST /api/generate."""
    try:
        wish = await _read(request, GenerateRequest)
        runner = _runner(request, wish)
        if not wish.prompt:
            return await _load_or_unload(runner, wish, as_response)
    except EngineError as refusal:
        return failure(refusal.status, refusal.message)
    options = wish.options or DEFAULT_OPTIONS
    if wish.raw:
        job = Job(options, prompt=wish.prompt)
    else:
        system = (Message(role="system", content=wish.system),) if wish.system else ()
        job = Job(options, messages=(*system, Message(role="user", content=wish.prompt)))
    return Answer(runner, job, wish.model, as_response, stream=wish.stream is not False, last=wish.unloads)


async def chat(request: Request) -> Response:
    """POST /api/chat."""
    try:
        wish = await _read(request, ChatRequest)
        if not wish.model:
            raise EngineError(400, "model is required")
        runner = _runner(request, wish)
        if not wish.messages:
            return await _load_or_unload(runner, wish, as_message)
    except EngineError as refusal:
        return failure(refusal.status, refusal.message)
    job = Job(wish.options or DEFAULT_OPTIONS, messages=wish.messages)
    return Answer(runner, job, wish.model, as_message, stream=wish.stream is not False, last=wish.unloads)


async def _read(request: Request, kind: type[R]) -> R:
    try:
        body = await request.body()
    except ClientDisconnect as gone:
        raise EngineError(499, "request canceled") from gone
    if not body:
        raise EngineError(400, "missing request body")
    try:
        return kind.model_validate_json(body)
    except ValidationError as invalid:
        raise EngineError(400, explain(invalid)) from invalid


def explain(invalid: ValidationError) -> str:
    """The first thing wrong with a body, by its place."""
    first = invalid.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def _runner(request: Request, wish: ModelRequest) -> Runner:
    """The runner, if it serves the model and can do what is wished."""
    runner: Runner = request.state.runner
    if not same_model(wish.model, runner.engine.info.name):
        if wish.model and not is_name(wish.model):
            raise EngineError(400, INVALID_NAME)
        raise EngineError(404, f"model '{wish.model}' not found")
    if refusal := unsupported(wish):
        raise EngineError(400, refusal)
    runner.engine.check()
    return runner


async def _load_or_unload(runner: Runner, wish: ModelRequest, shape: Shape) -> Response:
    """A request without text loads the model, or with a keep_alive of 0 gives its memory back."""
    if wish.unloads:
        await runner.unload()
        return whole(wish.model, shape, {"done_reason": "unload"})
    await runner.load()
    return whole(wish.model, shape, {"done_reason": "load"})
