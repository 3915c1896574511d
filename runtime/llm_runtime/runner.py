"""Runs jobs on an engine: loads the model, queues for its slots and counts what happens."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from llm_runtime.engines.engine import Chunk, Embeddings, EmbedJob, Emit, Engine, Finish, Job
from llm_runtime.schemas import Message, Options
from llm_runtime.slots import Slots

RECORD_LENGTH = 2000
Phase = Literal["loading", "waiting", "prefill", "decode"]
Outcome = TypeVar("Outcome", Finish, Embeddings)


@dataclass(slots=True)
class Cancelled:
    """A request whose client left, and how far it had got."""

    phase: Phase
    generated_tokens: int
    seconds: float  # since its arrival


@dataclass(slots=True)
class Progress:
    """How far a request has got."""

    phase: Phase = "loading"
    tokens: int = 0


@dataclass(slots=True)
class Result(Generic[Outcome]):
    """A finished job; durations in nanoseconds, the total since the request's arrival."""

    outcome: Outcome
    load_ns: int
    total_ns: int


class Runner:
    """The only way to the engine. Metrics are read from its counts."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.slots = Slots(engine.slots)
        self.loaded = False
        self.not_ready = "the model is loading"  # the reason; empty once the model has answered
        self.clear()
        self._users = 0
        self._unload_when_idle = False
        self._loading: asyncio.Task[None] | None = None

    def clear(self) -> None:
        """Reset the counts and the record of cancelled requests."""
        self.completed = self.failed = self.cancelled = 0
        self.prompt_tokens = self.generated_tokens = 0
        self.record: deque[Cancelled] = deque(maxlen=RECORD_LENGTH)

    async def warm_up(self) -> None:
        """Load the model and generate one token, or embed a word; the runner is ready afterwards.

        Raises:
            EngineError: the model cannot be loaded or cannot answer.
        """
        await self.load()
        if "completion" in self.engine.info.capabilities:
            hello = Message(role="user", content="Hello")
            await self.engine.generate(Job(Options(num_predict=1), messages=(hello,)), _discard)
        else:
            await self.engine.embed(EmbedJob(("Hello",)))
        self.not_ready = ""

    async def run(self, job: Job, emit: Emit) -> Result[Finish]:
        """Run a job, passing on its chunks as they come; cancelling the call stops the engine's work.

        Raises:
            EngineError: a failure to report to the client.
        """
        progress = Progress()

        async def count(chunk: Chunk) -> None:
            progress.phase = "decode"
            progress.tokens += 1
            await emit(chunk)

        return await self._run(progress, lambda: self.engine.generate(job, count))

    async def embed(self, job: EmbedJob) -> Result[Embeddings]:
        """Embed texts; they wait for a slot like a generation.

        Raises:
            EngineError: a failure to report to the client.
        """
        return await self._run(Progress(), lambda: self.engine.embed(job))

    async def _run(self, progress: Progress, work: Callable[[], Awaitable[Outcome]]) -> Result[Outcome]:
        began = time.perf_counter_ns()
        self._users += 1
        try:
            await self.load()
            load_ns = time.perf_counter_ns() - began
            progress.phase = "waiting"
            await self.slots.take()
            progress.phase = "prefill"
            try:
                outcome = await work()
            finally:
                self.slots.free()
        except asyncio.CancelledError:
            self.cancelled += 1
            self.generated_tokens += progress.tokens
            seconds = (time.perf_counter_ns() - began) / 1e9
            self.record.append(Cancelled(progress.phase, progress.tokens, seconds))
            raise
        except Exception:
            self.failed += 1
            self.generated_tokens += progress.tokens
            raise
        finally:
            self._users -= 1
            if self._unload_when_idle:
                await self.unload()
        self.not_ready = ""
        self.completed += 1
        self.prompt_tokens += outcome.prompt_tokens
        self.generated_tokens += outcome.generated_tokens
        return Result(outcome, load_ns, time.perf_counter_ns() - began)

    async def load(self) -> None:
        """Load the model if it is not in memory. One load serves all requests and outlives their clients."""
        if self.loaded:
            return
        if self._loading is None:
            self._loading = asyncio.create_task(self._load())
        await asyncio.shield(self._loading)

    async def _load(self) -> None:
        try:
            await self.engine.load()
            self.loaded = True
        finally:
            self._loading = None

    async def unload(self) -> None:
        """Free the model's memory, now or when the last job has ended."""
        self._unload_when_idle = self._users > 0
        if self.loaded and not self._unload_when_idle:
            self.loaded = False
            await self.engine.unload()


async def _discard(chunk: Chunk) -> None:
    pass
