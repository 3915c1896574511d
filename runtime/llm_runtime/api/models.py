"""The routes that generate nothing: health, metrics, version and the model's description."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from llm_runtime import VERSION
from llm_runtime.api.requests import INVALID_NAME, read
from llm_runtime.api.work import Json, error_response
from llm_runtime.engines.engine import EngineError
from llm_runtime.metrics import render
from llm_runtime.names import display_name, is_name, same_model
from llm_runtime.runner import Runner
from llm_runtime.schemas import ShowRequest

# The model stays in memory until a request unloads it.
NEVER = "9999-12-31T23:59:59Z"
router = APIRouter(default_response_class=Json)


async def get_runner(request: Request) -> Runner:
    runner: Runner = request.state.runner
    return runner


TheRunner = Annotated[Runner, Depends(get_runner)]


@router.api_route("/", methods=["GET", "HEAD"], response_class=PlainTextResponse)
async def alive(runner: TheRunner) -> str:
    """Say that the process is alive, in the words that Ollama's clients expect, and what it really is."""
    return f"Ollama is running ({runner.engine.name} engine of llm-runtime)"


@router.get("/ready")
async def ready(runner: TheRunner) -> Response:
    """Return 200 once the model has been loaded and has generated a token, else 503 with the reason."""
    if runner.not_ready:
        return error_response(503, runner.not_ready)
    return Json({"status": "ready", "model": runner.engine.info.name})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    return render(request.state.registry)


@router.api_route("/api/version", methods=["GET", "HEAD"])
async def version(runner: TheRunner) -> dict[str, Any]:
    """Return the version, with the engine as its build metadata."""
    name = runner.engine.name
    return {"version": f"{VERSION}+{name}", "engine": name, "simulated": name == "simulated"}


@router.api_route("/api/tags", methods=["GET", "HEAD"])
async def tags(runner: TheRunner) -> dict[str, Any]:
    """List the one model that is served."""
    info = runner.engine.info
    return {"models": [_entry(runner) | {"modified_at": info.modified_at}] if info.listed else []}


@router.get("/api/ps")
async def ps(runner: TheRunner) -> dict[str, Any]:
    """List the model while it is in memory."""
    context = {"expires_at": NEVER, "size_vram": 0, "context_length": runner.engine.info.context_length}
    return {"models": [_entry(runner) | context] if runner.loaded and runner.engine.info.listed else []}


@router.post("/api/show")
async def show(request: Request, runner: TheRunner) -> Response:
    try:
        body = await read(request, ShowRequest)
    except EngineError as error:
        return error_response(error.status, error.message)
    name = body.model or body.name
    if not name:
        return error_response(400, "model is required")
    if not is_name(name):
        return error_response(400, INVALID_NAME)
    info = runner.engine.info
    if not info.listed or not same_model(name, info.name):
        return error_response(404, f"model '{display_name(name)}' not found")
    return Json(
        {
            "template": info.template,
            "details": info.details,
            "model_info": info.metadata,
            "capabilities": info.capabilities,
            "modified_at": info.modified_at,
        }
    )


def _entry(runner: Runner) -> dict[str, Any]:
    info = runner.engine.info
    return {
        "name": info.name,
        "model": info.name,
        "size": info.size,
        "digest": info.digest,
        "details": info.details,
    }
