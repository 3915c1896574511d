"""The simulated engine: no model, only the slots, delays and faults that it is set to."""

import asyncio
import re
import time
import zlib
from collections.abc import Awaitable, Callable

from llm_runtime.engines.behavior import Behavior, Fault
from llm_runtime.engines.engine import DropError, Emit, EngineError, Finish, Job, ModelInfo, UnfinishedError
from llm_runtime.engines.stops import StopFilter
from llm_runtime.names import display_name

# The text of every answer, split into tokens; partly non-ASCII, so that nothing comes to rely on ASCII.
PASSAGE = tuple(
    re.findall(
        r" ?[^ ]+",
        " This answer comes from a simulated model: it has no weights, only slots, delays and faults."
        " Déjà vu? The same prompt gives the same words, in Zürich, Łódź, 東京 🙂 or elsewhere.\n",
    )
)
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
        self.info = ModelInfo(
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
            context_length=4096,
            metadata={"general.architecture": "simulated"},
        )

    @property
    def slots(self) -> int:
        return self.behavior.slots

    async def load(self) -> None:
        await self._sleep(self.behavior.load_seconds)

    async def unload(self) -> None:
        pass

    def check(self) -> None:
        fault = self._take_fault("not_found", "cancelled", "busy")
        if fault is None:
            return
        if fault.kind == "not_found":
            raise EngineError(404, f"model '{self.info.name}' not found")
        raise EngineError(*REFUSALS[fault.kind])

    async def generate(self, job: Job, emit: Emit) -> Finish:
        """Emit PASSAGE with the set delays; the prompt and seed determine the word it starts at."""
        fault = self._take_fault("error", "hang", "drop", "unfinished")
        prompt = job.prompt or "\n".join(message.content for message in job.messages)
        limit = job.options.num_predict
        count = min(limit, self.behavior.tokens) if limit > 0 else self.behavior.tokens
        reason = "length" if 0 < limit <= count else "stop"
        start = zlib.crc32(prompt.encode(errors="replace"), job.options.seed & 0xFFFFFFFF)
        stops = StopFilter(job.options.stop)
        due = began = first = self._clock()
        made = 0
        for made, delay in enumerate(self.behavior.delays(count, f"{job.options.seed}:{prompt}"), 1):
            if fault and made > fault.after_tokens:
                await self._fail(fault)
            # Sleep until a due time, so that late timers do not add up; sleep(0) lets other tasks run.
            due += delay
            await self._sleep(max(0.0, due - self._clock()) if delay else 0)
            if made == 1:
                first = self._clock()
            if text := stops.feed(PASSAGE[(start + made) % len(PASSAGE)]):
                await emit(text)
            if stops.stopped:
                reason = "stop"
                break
        if fault:
            await self._fail(fault)
        if rest := stops.rest():
            await emit(rest)
        return Finish(
            reason=reason,
            prompt_tokens=len(prompt.split()),
            prompt_ns=round((first - began) * 1e9),
            generated_tokens=made,
            generated_ns=round((self._clock() - first) * 1e9),
        )

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
