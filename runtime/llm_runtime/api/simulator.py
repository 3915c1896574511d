"""GET and POST /simulator: see and set the simulated engine. Other engines have no such route."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException
from pydantic import ValidationError

from llm_runtime.api.models import TheRunner
from llm_runtime.engines.behavior import Behavior, Change
from llm_runtime.engines.simulated import SimulatedEngine

router = APIRouter(prefix="/simulator")


async def get_engine(runner: TheRunner) -> SimulatedEngine:
    """The engine, if it is the simulated one."""
    if not isinstance(runner.engine, SimulatedEngine):
        raise HTTPException(404, "the engine is not simulated")
    return runner.engine


TheEngine = Annotated[SimulatedEngine, Depends(get_engine)]


@router.get("")
async def read(runner: TheRunner, engine: TheEngine) -> dict[str, Any]:
    """The behavior, the fault that is set, and what happened since the record was cleared."""
    return {
        "behavior": engine.behavior.model_dump(),
        "fault": engine.fault and engine.fault.model_dump(),
        "ready": not runner.trouble,
        "running": runner.slots.taken,
        "waiting": runner.slots.waiting,
        "completed": runner.completed,
        "failed": runner.failed,
        "cancelled": runner.cancelled,
        "generated_tokens": runner.generated_tokens,
        "record": [asdict(entry) for entry in runner.record],
    }


@router.post("")
async def change(wish: Change, runner: TheRunner, engine: TheEngine) -> dict[str, Any]:
    """Set behavior and fault; running generations keep the pace that they began with."""
    try:
        engine.behavior = Behavior.model_validate(engine.behavior.model_dump() | wish.behavior)
    except ValidationError as invalid:
        raise HTTPException(422, invalid.errors(include_url=False, include_context=False)) from invalid
    runner.slots.resize(engine.behavior.slots)
    if "fault" in wish.model_fields_set:
        engine.fault = wish.fault
    if wish.clear_record:
        runner.clear()
    return await read(runner, engine)
