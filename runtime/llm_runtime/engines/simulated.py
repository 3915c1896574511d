"""The simulated engine: no model, but slots, delays and faults as they are set."""

import asyncio
import re
import time
import zlib
from collections.abc import Awaitable, Callable

from llm_runtime.engines.behavior import Behavior, Fault
from llm_runtime.engines.engine import DropError, Emit, EngineError, Finish, Job, ModelInfo, UnfinishedError
from llm_runtime.engines.stops import StopFilter
from llm_runtime.names import display_name

# The text of every answer, by tokens. Not all of it is ASCII, so that nobody relies on that.
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
    """Implements Engine."""

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
            facts={"general.architecture": "simulated"},
        )

    @property
    def slots(self) -> int:
        """Generations at once."""
        return self.behavior.slots

    async def load(self) -> None:
        """Take as long as a load is set to take."""
        await self._sleep(self.behavior.load_seconds)

    async def unload(self) -> None:
        """Nothing to give back."""

    def check(self) -> None:
        """Refuse the request if such a fault is set."""
        fault = self._strike("not_found", "cancelled", "busy")
        if fault is None:
            return
        if fault.kind == "not_found":
            raise EngineError(404, f"model '{self.info.name}' not found")
        raise EngineError(*REFUSALS[fault.kind])

    async def generate(self, job: Job, emit: Emit) -> Finish:
        """Say the passage at the set pace; the same prompt and seed begin at the same word."""
        fault = self._strike("error", "hang", "drop", "unfinished")
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
            # Against the clock, so that late timers do not add up; a pause of 0 lets others have a turn.
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

    def _strike(self, *kinds: str) -> Fault | None:
        """The set fault, if it is of these kinds; it is used up by one."""
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
