"""Runs jobs on an engine: loads the model, queues for its slots and counts what happens."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

from llm_runtime.engines.engine import Emit, Engine, Finish, Job
from llm_runtime.schemas import Message, Options
from llm_runtime.slots import Slots

RECORD_LENGTH = 2000
Phase = Literal["loading", "waiting", "prefill", "decode"]


@dataclass(slots=True)
class Cancelled:
    """A request whose client left, and how far it had got."""

    phase: Phase
    generated_tokens: int
    seconds: float  # since its arrival


@dataclass(slots=True)
class Result:
    """A finished generation; durations in nanoseconds, the total since the request's arrival."""

    finish: Finish
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
        """Load the model and generate one token; the runner is ready afterwards.

        Raises:
            EngineError: the model cannot be loaded or cannot answer.
        """
        await self.load()
        hello = Message(role="user", content="Hello")
        await self.engine.generate(Job(Options(num_predict=1), messages=(hello,)), _discard)
        self.not_ready = ""

    async def run(self, job: Job, emit: Emit) -> Result:
        """Run a job, passing on its text as it is generated; cancelling the call stops the engine's work.

        Raises:
            EngineError: a failure to report to the client.
        """
        began = time.perf_counter_ns()
        phase: Phase = "loading"
        tokens = 0

        async def count(text: str) -> None:
            nonlocal phase, tokens
            phase = "decode"
            tokens += 1
            await emit(text)

        self._users += 1
        try:
            await self.load()
            load_ns = time.perf_counter_ns() - began
            phase = "waiting"
            await self.slots.take()
            phase = "prefill"
            try:
                finish = await self.engine.generate(job, count)
            finally:
                self.slots.free()
        except asyncio.CancelledError:
            self.cancelled += 1
            self.generated_tokens += tokens
            self.record.append(Cancelled(phase, tokens, (time.perf_counter_ns() - began) / 1e9))
            raise
        except Exception:
            self.failed += 1
            self.generated_tokens += tokens
            raise
        finally:
            self._users -= 1
            if self._unload_when_idle:
                await self.unload()
        self.not_ready = ""
        self.completed += 1
        self.prompt_tokens += finish.prompt_tokens
        self.generated_tokens += finish.generated_tokens
        return Result(finish, load_ns, time.perf_counter_ns() - began)

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


async def _discard(text: str) -> None:
    pass
