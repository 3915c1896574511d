"""The llama.cpp engine, through the server of xllamacpp's Python bindings."""

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from llm_runtime.engines.bounds import with_bounded_numbers
from llm_runtime.engines.completions import (
    Event,
    EventReader,
    chat_request,
    completion_request,
    prompt_tokens,
    schema_of,
)
from llm_runtime.engines.context import PromptTooLongError, check_length, shortened
from llm_runtime.engines.embedder import Embedder
from llm_runtime.engines.engine import Embeddings, EmbedJob, Emit, EngineError, Finish, Job, ModelInfo
from llm_runtime.engines.gguf import Gguf
from llm_runtime.engines.packaged import packaged_model
from llm_runtime.engines.server import follows, grammar_of, parameters_of, start_server
from llm_runtime.engines.templates import capabilities_of, fill_tokens
from llm_runtime.engines.threads import default_threads
from llm_runtime.names import display_name
from llm_runtime.settings import Settings


class LlamaCppEngine:
    """An Engine over a llama.cpp server that generates, one that embeds, or both: as the model can.

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
        self._template = settings.chat_template_path.read_text() if settings.chat_template_path else ""
        template = self._template or str(model.metadata.get("tokenizer.chat_template", ""))
        self._pooling = settings.pooling
        capabilities = capabilities_of(model.metadata, template, embedding=settings.pooling is not None)
        modified = datetime.fromtimestamp(self._path.stat().st_mtime, UTC)
        self.info = ModelInfo(
            name=display_name(settings.model),
            size=model.size,
            digest=model.digest,
            details=model.details,
            capabilities=capabilities,
            context_length=self._context,
            modified_at=modified.isoformat(),
            template=template,
            metadata=model.metadata | {"general.parameter_count": model.parameters},
        )
        self._fill_tokens = fill_tokens(model.metadata)
        self._server: Any = None
        self._embedder: Embedder | None = None
        self._pool = ThreadPoolExecutor(1)
        self._followed = lru_cache(256)(self._first_followed)

    def check(self) -> None:
        pass

    async def load(self) -> None:
        """Map the weights and allocate each slot's context, for each of the servers that are needed."""
        try:
            await asyncio.to_thread(self._start)
        except RuntimeError as error:
            raise EngineError(500, f"llama.cpp cannot load {self._path}: {error}") from error
        self._pool = ThreadPoolExecutor(self.slots, thread_name_prefix="llamacpp")

    async def unload(self) -> None:
        """Wait for the jobs' threads, then free the model."""
        await asyncio.to_thread(self._pool.shutdown)
        self._server = self._embedder = None

    def _start(self) -> None:
        if "completion" in self.info.capabilities:
            self._server = start_server(self.parameters())
        if "embedding" in self.info.capabilities:
            self._embedder = Embedder(self.parameters(), self._context, self._pooling)

    def parameters(self) -> Any:
        """Return a server's xllamacpp.CommonParams."""
        return parameters_of(
            self._path,
            slots=self.slots,
            context=self._context,
            threads=self._threads,
            template=self._template,
        )

    async def generate(self, job: Job, emit: Emit) -> Finish:
        """Run the job; like Ollama, drop the oldest messages of a conversation that exceeds the context."""
        while True:
            try:
                return await self._generate(job, emit)
            except PromptTooLongError:
                if (shorter := shortened(job)) is None:
                    raise
                job = shorter

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
        reader = EventReader(job)
        finish: Finish | None = None
        try:
            while (event := await events.get()) is not None:
                # The slots' context is allocated at the load, so a larger num_ctx has no effect.
                check_length(prompt_tokens(event), job.options.num_ctx)
                chunk, finish = reader.read(event)
                if chunk is not None:
                    await emit(chunk)
        finally:
            stopped.set()
        await work
        if finish is None:
            raise EngineError(500, "llama.cpp ended without a result")
        return finish

    async def embed(self, job: EmbedJob) -> Embeddings:
        """Embed one text after the other; when cancelled, stop after the current one."""
        assert self._embedder is not None  # noqa: S101 - the capabilities say so
        loop = asyncio.get_running_loop()
        found = [
            await loop.run_in_executor(self._pool, self._embedder.embed, text, job) for text in job.texts
        ]
        return Embeddings([vector for vector, _ in found], sum(tokens for _, tokens in found))

    def _call(self, job: Job, on_event: Callable[[Event], bool]) -> None:
        stream = {"stream": True, "return_progress": True}
        thinks = "thinking" in self.info.capabilities
        try:
            if job.messages:
                request = chat_request(job, thinks=thinks) | self._constraint(job, thinks=thinks)
                self._server.handle_chat_completions(request | stream, on_event)
            else:
                request = completion_request(job, self._fill_tokens) | self._constraint(job, thinks=False)
                self._server.handle_completions(request | stream, on_event)
        except ValueError as error:  # a combination of parameters that llama.cpp does not support
            raise EngineError(400, str(error)) from error

    def _constraint(self, job: Job, *, thinks: bool) -> dict[str, Any]:
        """Return the parameters that make the answer conform to the job's schema.

        A grammar holds from the first token on. Only llama.cpp's own conversion of the schema lets the model
        think or call a tool first.

        Raises:
            EngineError: llama.cpp cannot follow the schema.
        """
        schema = schema_of(job)
        if schema is None:
            return {}
        schema, grammar = self._followed(json.dumps(schema))
        if job.messages and (job.tools or (thinks and job.think is not False)):
            return {"response_format": {"type": "json_schema", "json_schema": {"schema": schema}}}
        return {"grammar": grammar}

    def _first_followed(self, text: str) -> tuple[dict[str, Any], str]:
        """Return the schema to follow, with bounds if llama.cpp can follow it so, and its grammar."""
        given = json.loads(text)
        for schema in (with_bounded_numbers(given), given):
            if follows(self._server, grammar := grammar_of(schema)):
                return schema, grammar
        raise EngineError(400, "invalid format: llama.cpp cannot follow this JSON schema")
