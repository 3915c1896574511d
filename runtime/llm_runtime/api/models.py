"""What is served and in which state: the routes that ask for no tokens."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import ValidationError

from llm_runtime import VERSION
from llm_runtime.api.answer import Json, failure
from llm_runtime.api.generation import INVALID_NAME, explain
from llm_runtime.api.schemas import ShowRequest
from llm_runtime.metrics import render
from llm_runtime.names import display_name, is_name, same_model
from llm_runtime.runner import Runner

# Here a model stays in memory until it is told to go.
NEVER = "9999-12-31T23:59:59Z"
router = APIRouter(default_response_class=Json)


async def get_runner(request: Request) -> Runner:
    """The runner of the app's lifespan."""
    runner: Runner = request.state.runner
    return runner


TheRunner = Annotated[Runner, Depends(get_runner)]


@router.api_route("/", methods=["GET", "HEAD"], response_class=PlainTextResponse)
async def alive(runner: TheRunner) -> str:
    """Whether the process lives; the text is what Ollama's clients look for, and the truth after it."""
    return f"Ollama is running ({runner.engine.name} engine of llm-runtime)"


@router.get("/ready")
async def ready(runner: TheRunner) -> Response:
    """200 once the model has been loaded and has answered."""
    if runner.trouble:
        return failure(503, runner.trouble)
    return Json({"status": "ready", "model": runner.engine.info.name})


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus' text format."""
    return render(request.state.registry)


@router.api_route("/api/version", methods=["GET", "HEAD"])
async def version(runner: TheRunner) -> dict[str, Any]:
    """The version, with the engine as its build."""
    name = runner.engine.name
    return {"version": f"{VERSION}+{name}", "engine": name, "simulated": name == "simulated"}


@router.api_route("/api/tags", methods=["GET", "HEAD"])
async def tags(runner: TheRunner) -> dict[str, Any]:
    """The one model that is served."""
    return {"models": [_entry(runner) | {"modified_at": runner.engine.info.modified_at}]}


@router.get("/api/ps")
async def ps(runner: TheRunner) -> dict[str, Any]:
    """The model, while it is in memory."""
    context = {"expires_at": NEVER, "size_vram": 0, "context_length": runner.engine.info.context_length}
    return {"models": [_entry(runner) | context] if runner.loaded else []}


@router.post("/api/show")
async def show(request: Request, runner: TheRunner) -> Response:
    """Details of the model."""
    body = await request.body()
    if not body:
        return failure(400, "missing request body")
    try:
        wish = ShowRequest.model_validate_json(body)
    except ValidationError as invalid:
        return failure(400, explain(invalid))
    name = wish.model or wish.name
    if not name:
        return failure(400, "model is required")
    if not is_name(name):
        return failure(400, INVALID_NAME)
    info = runner.engine.info
    if not same_model(name, info.name):
        return failure(404, f"model '{display_name(name)}' not found")
    return Json(
        {
            "template": info.template,
            "details": info.details,
            "model_info": info.facts,
            "capabilities": ["completion"],
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
