"""Runs jobs on an engine: loads its model, queues for its slots, counts."""

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

from llm_runtime.api.schemas import Message, Options
from llm_runtime.engines.engine import Emit, Engine, Finish, Job
from llm_runtime.slots import Slots

RECORD_LENGTH = 2000
Phase = Literal["loading", "waiting", "prefill", "decode"]


@dataclass(slots=True)
class Cancelled:
    """A request whose client left. Seconds since its arrival."""

    phase: Phase
    generated_tokens: int
    seconds: float


@dataclass(slots=True)
class Result:
    """A finished generation. Durations in nanoseconds, since the request's arrival."""

    finish: Finish
    load_ns: int
    total_ns: int


class Runner:
    """The one place through which requests reach the engine. Its counts feed the metrics."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.slots = Slots(engine.slots)
        self.loaded = False
        self.trouble = "the model is loading"
        self.clear()
        self._users = 0
        self._unload_when_idle = False
        self._loading: asyncio.Task[None] | None = None

    def clear(self) -> None:
        """Begin counting anew."""
        self.completed = self.failed = self.cancelled = 0
        self.prompt_tokens = self.generated_tokens = 0
        self.record: deque[Cancelled] = deque(maxlen=RECORD_LENGTH)

    async def warm_up(self) -> None:
        """Load the model and have it say one token; from then on there is no trouble."""
        await self.load()
        hello = Message(role="user", content="Hello")
        await self.engine.generate(Job(Options(num_predict=1), messages=(hello,)), _ignore)
        self.trouble = ""

    async def run(self, job: Job, emit: Emit) -> Result:
        """Generate, handing over the text as it comes; cancelling ends the engine's work.

        Raises EngineError for a failure that the client is told.
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
        self.trouble = ""
        self.completed += 1
        self.prompt_tokens += finish.prompt_tokens
        self.generated_tokens += finish.generated_tokens
        return Result(finish, load_ns, time.perf_counter_ns() - began)

    async def load(self) -> None:
        """Have the model in memory. One load serves all who wait, and outlives those who leave."""
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
        """Give the model's memory back, now or when the last job has ended."""
        self._unload_when_idle = self._users > 0
        if self.loaded and not self._unload_when_idle:
            self.loaded = False
            await self.engine.unload()


async def _ignore(text: str) -> None:
    """For words that nobody needs."""
