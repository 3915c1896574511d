"""Reads requests as Ollama does: whatever their content type, with its statuses for invalid ones."""

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from llm_runtime.engines.engine import EngineError
from llm_runtime.names import is_name, same_model
from llm_runtime.runner import Runner

INVALID_NAME = "invalid model name"
Body = TypeVar("Body", bound=BaseModel)


async def read(request: Request, kind: type[Body]) -> Body:
    """Return the validated body.

    Raises:
        EngineError: the body is missing or invalid, or the client has left.
    """
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


def explain(invalid: ValidationError) -> str:
    """Return the first validation error, with the path of its field."""
    first = invalid.errors(include_url=False, include_input=False, include_context=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    return f"{path}: {first['msg']}" if path else first["msg"]


def find_runner(request: Request, model: str) -> Runner:
    """Return the runner of a model.

    Raises:
        EngineError: the name is invalid, or there is no such model.
    """
    runner: Runner = request.state.runner
    if not same_model(model, runner.engine.info.name):
        if model and not is_name(model):
            raise EngineError(400, INVALID_NAME)
        raise EngineError(404, f"model '{model}' not found")
    return runner
