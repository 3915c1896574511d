"""The application: engine, runner and routes put together."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from llm_runtime import VERSION
from llm_runtime.api import generation, models, simulator
from llm_runtime.engines.engine import Engine, EngineError
from llm_runtime.engines.simulated import SimulatedEngine
from llm_runtime.metrics import make_registry
from llm_runtime.runner import Runner
from llm_runtime.settings import Settings

log = logging.getLogger("uvicorn.error")


def make_engine(settings: Settings) -> Engine:
    """The engine that the settings name."""
    if settings.engine == "simulated":
        behavior = settings.simulated.model_copy()
        if "slots" not in behavior.model_fields_set:
            behavior.slots = settings.slots
        return SimulatedEngine(settings.model, behavior)
    try:
        from llm_runtime.engines.llamacpp import LlamaCppEngine
    except ImportError as missing:
        raise RuntimeError(
            f"llama.cpp cannot be loaded ({missing}): install the packages of uv.lock, and libgomp1 where"
            " a library of that name is missing, or set RUNTIME_ENGINE=simulated"
        ) from missing
    return LlamaCppEngine(settings)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The app; without settings, they come from the environment when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        runner = Runner(make_engine(settings or Settings()))
        warming = asyncio.create_task(warm_up(runner))
        yield {"runner": runner, "registry": make_registry(runner)}
        warming.cancel()
        with suppress(asyncio.CancelledError):
            await warming
        await runner.unload()

    app = FastAPI(
        title="llm-runtime",
        version=VERSION,
        lifespan=lifespan,
        routes=[
            Route("/api/generate", generation.generate, methods=["POST"]),
            Route("/api/chat", generation.chat, methods=["POST"]),
        ],
    )
    app.include_router(models.router)
    app.include_router(simulator.router)
    return app


async def warm_up(runner: Runner) -> None:
    """Load the model and make it answer; what goes wrong shows in /ready and in the log."""
    try:
        await runner.warm_up()
    except Exception as trouble:
        runner.trouble = f"the model cannot answer: {trouble}"
        log.error(runner.trouble, exc_info=not isinstance(trouble, EngineError))
    else:
        log.info("model %s is ready (%s engine)", runner.engine.info.name, runner.engine.name)
