"""The application: engine, runner and routes put together."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from llm_runtime import VERSION
from llm_runtime.api import embeddings, generation, models, simulator
from llm_runtime.engines.engine import Engine, EngineError
from llm_runtime.engines.simulated import SimulatedEngine
from llm_runtime.metrics import make_registry
from llm_runtime.runner import Runner
from llm_runtime.settings import Settings

log = logging.getLogger("uvicorn.error")


def make_engine(settings: Settings) -> Engine:
    """Create the engine that the settings name.

    Raises:
        RuntimeError: llama.cpp's library cannot be imported.
        OSError: the model's file cannot be read.
        GgufError: the model's file is not a GGUF file.
    """
    if settings.engine == "simulated":
        behavior = settings.simulated.model_copy()
        if "slots" not in behavior.model_fields_set:
            behavior.slots = settings.slots
        return SimulatedEngine(settings.model, behavior)
    try:
        from llm_runtime.engines.llamacpp import LlamaCppEngine
    except ImportError as missing:
        raise RuntimeError(
            f"llama.cpp cannot be imported ({missing}): install the packages of uv.lock, and libgomp1 if that"
            " library is missing, or set RUNTIME_ENGINE=simulated"
        ) from missing
    return LlamaCppEngine(settings)


def create_app(settings: Settings | None = None) -> FastAPI:
    """Create the app; without settings it reads them from the environment when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        runner = Runner(make_engine(settings or Settings()))
        warming_up = asyncio.create_task(warm_up(runner))
        yield {"runner": runner, "registry": make_registry(runner)}
        warming_up.cancel()
        with suppress(asyncio.CancelledError):
            await warming_up
        await runner.unload()

    app = FastAPI(
        title="llm-runtime",
        version=VERSION,
        lifespan=lifespan,
        routes=[
            Route("/api/generate", generation.generate, methods=["POST"]),
            Route("/api/chat", generation.chat, methods=["POST"]),
            Route("/api/embed", embeddings.embed, methods=["POST"]),
            Route("/api/embeddings", embeddings.embeddings, methods=["POST"]),
        ],
    )
    app.include_router(models.router)
    app.include_router(simulator.router)
    return app


async def warm_up(runner: Runner) -> None:
    """Load the model and generate a token; a failure is logged and becomes the reason in /ready."""
    try:
        await runner.warm_up()
    except Exception as error:
        runner.not_ready = f"the model cannot answer: {error}"
        log.error(runner.not_ready, exc_info=not isinstance(error, EngineError))
    else:
        log.info("model %s is ready (%s engine)", runner.engine.info.name, runner.engine.name)
