"""The simulated engine: no model, only the slots, delays and faults that it is set to."""

import asyncio
import random
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from llm_runtime.engines.behavior import Behavior, Fault
from llm_runtime.engines.context import PromptTooLongError, check_length, shortened
from llm_runtime.engines.engine import (
    Chunk,
    DropError,
    Embeddings,
    EmbedJob,
    Emit,
    EngineError,
    Finish,
    Job,
    Logprob,
    ModelInfo,
    UnfinishedError,
)
from llm_runtime.engines.script import logprob, prompt_of, write
from llm_runtime.engines.stops import StopFilter
from llm_runtime.names import display_name

REFUSALS = {
    "cancelled": (499, "request canceled"),
    "busy": (503, "server busy, please try again.  maximum pending requests exceeded"),
}


class SimulatedEngine:
    """An Engine; the clock (seconds) and sleep can be replaced in tests."""

    name = "simulated"

    def __init__(
        self,
        model: str,
        behavior: Behavior,
        *,
        clock: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self.behavior = behavior
        self.fault: Fault | None = None
        self._info = ModelInfo(
            name=display_name(model),
            size=0,
            digest=f"{zlib.crc32(model.encode()):064x}",
            details={
                "parent_model": "",
                "format": "simulated",
                "family": "simulated",
                "families": ["simulated"],
                "parameter_size": "0",
                "quantization_level": "none",
                "simulated": True,
            },
            capabilities=(),
            context_length=4096,
            metadata={"general.architecture": "simulated"},
        )

    @property
    def info(self) -> ModelInfo:
        return replace(self._info, capabilities=self.behavior.capabilities, listed=self.behavior.listed)

    @property
    def slots(self) -> int:
        return self.behavior.slots

    async def load(self) -> None:
        await self._sleep(self.behavior.load_seconds)

    async def unload(self) -> None:
        pass

    def check(self) -> None:
        if not self.behavior.listed:
            raise EngineError(404, f"model '{self.info.name}' not found")
        fault = self._take_fault("not_found", "cancelled", "busy")
        if fault is None:
            return
        if fault.kind == "not_found":
            raise EngineError(404, f"model '{self.info.name}' not found")
        raise EngineError(*REFUSALS[fault.kind])

    async def generate(self, job: Job, emit: Emit) -> Finish:
        """Emit the answer that the script has for the job, with the set delays."""
        fault = self._take_fault("error", "hang", "drop", "unfinished")
        job = _fitted(job)
        script = write(job, self.behavior)
        limit = job.options.num_predict
        count = min(limit, len(script.tokens)) if limit > 0 else len(script.tokens)
        reason = "length" if 0 < limit <= count else "stop"
        stops = StopFilter(job.options.stop)
        held: list[Logprob] = []
        due = began = first = self._clock()
        made = 0
        for made, delay in enumerate(self.behavior.delays(count, f"{job.options.seed}:{prompt_of(job)}"), 1):
            if fault and made > fault.after_tokens:
                await self._fail(fault)
            # Sleep until a due time, so that late timers do not add up; sleep(0) lets other tasks run.
            due += delay
            await self._sleep(max(0.0, due - self._clock()) if delay else 0)
            if made == 1:
                first = self._clock()
            if job.logprobs is not None:
                held.append(logprob(script.tokens[made - 1], job.logprobs))
            if (chunk := script.chunk(made, stops)) is not None:
                if held:
                    chunk.logprobs = tuple(held)
                    held.clear()
                await emit(chunk)
            if stops.stopped:
                reason = "stop"
                break
        if fault:
            await self._fail(fault)
        if script.calls and reason == "stop":
            await emit(Chunk(tool_calls=script.calls))
        if rest := stops.rest():
            await emit(Chunk(rest, logprobs=tuple(held)))
        return Finish(
            reason=reason,
            prompt_tokens=len(prompt_of(job).split()),
            prompt_ns=round((first - began) * 1e9),
            generated_tokens=made,
            generated_ns=round((self._clock() - first) * 1e9),
        )

    async def embed(self, job: EmbedJob) -> Embeddings:
        """Return vectors of length 1 that depend on the words of the texts alone, after the set delay."""
        if fault := self._take_fault("error", "hang", "drop"):
            await self._fail(fault)
        limit = min(job.num_ctx or self._info.context_length, self._info.context_length)
        texts = [text.split() for text in job.texts]
        if not job.truncate and any(len(words) > limit for words in texts):
            raise EngineError(400, "the input length exceeds the context length")
        await self._sleep(self.behavior.first_token_seconds)
        vectors = [self._vector(words[:limit]) for words in texts]
        return Embeddings(vectors, sum(len(words[:limit]) for words in texts))

    def _vector(self, words: list[str]) -> list[float]:
        chance = random.Random(" ".join(words))  # noqa: S311 - no secret
        components = [chance.gauss() for _ in range(self.behavior.dimensions)]
        length = sum(component**2 for component in components) ** 0.5
        return [component / length for component in components]

    def _take_fault(self, *kinds: str) -> Fault | None:
        """Return the fault if it is of one of these kinds, and count it as used once."""
        fault = self.fault
        if fault is None or fault.kind not in kinds:
            return None
        if fault.times is not None:
            self.fault = fault.model_copy(update={"times": fault.times - 1}) if fault.times > 1 else None
        return fault

    async def _fail(self, fault: Fault) -> None:
        if fault.kind == "hang":
            await asyncio.get_running_loop().create_future()
        if fault.kind == "drop":
            raise DropError
        if fault.kind == "unfinished":
            raise UnfinishedError
        raise EngineError(500, "simulated failure: the model runner has unexpectedly stopped")


def _fitted(job: Job) -> Job:
    """Return the job with a prompt that fits into the request's own num_ctx; a word counts as a token."""
    while True:
        try:
            check_length(len(prompt_of(job).split()), job.options.num_ctx)
        except PromptTooLongError:
            if (shorter := shortened(job)) is None:
                raise
            job = shorter
        else:
            return job
