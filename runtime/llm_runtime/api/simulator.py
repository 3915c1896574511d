"""GET and POST /simulator: read and change the simulated engine. With any other engine they return 404."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from llm_runtime.api.models import TheRunner
from llm_runtime.engines.behavior import Behavior, Fault
from llm_runtime.engines.simulated import SimulatedEngine

router = APIRouter(prefix="/simulator")


class Change(BaseModel):
    """Settings that are named change, the others stay; `fault: null` clears the fault."""

    model_config = ConfigDict(extra="forbid")

    behavior: dict[str, Any] = Field(default_factory=dict)
    fault: Fault | None = None
    clear_record: bool = False


async def get_engine(runner: TheRunner) -> SimulatedEngine:
    if not isinstance(runner.engine, SimulatedEngine):
        raise HTTPException(404, "the engine is not simulated")
    return runner.engine


TheEngine = Annotated[SimulatedEngine, Depends(get_engine)]


@router.get("")
async def read(runner: TheRunner, engine: TheEngine) -> dict[str, Any]:
    """Return the behavior, the fault that is set, and what has happened since the record was cleared."""
    return {
        "behavior": engine.behavior.model_dump(),
        "fault": engine.fault and engine.fault.model_dump(),
        "ready": not runner.not_ready,
        "running": runner.slots.taken,
        "waiting": runner.slots.waiting,
        "completed": runner.completed,
        "failed": runner.failed,
        "cancelled": runner.cancelled,
        "generated_tokens": runner.generated_tokens,
        "record": [asdict(entry) for entry in runner.record],
    }


@router.post("")
async def change(body: Change, runner: TheRunner, engine: TheEngine) -> dict[str, Any]:
    """Change behavior and fault; running generations keep the behavior that they started with."""
    try:
        engine.behavior = Behavior.model_validate(engine.behavior.model_dump() | body.behavior)
    except ValidationError as invalid:
        raise HTTPException(422, invalid.errors(include_url=False, include_context=False)) from invalid
    runner.slots.resize(engine.behavior.slots)
    if "fault" in body.model_fields_set:
        engine.fault = body.fault
    if body.clear_record:
        runner.clear()
    return await read(runner, engine)
