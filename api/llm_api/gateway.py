"""One generation's way: admission, the runtime, the measures."""

import asyncio

import structlog
from structlog.typing import FilteringBoundLogger

from llm_api.admission import Admission
from llm_api.auth import Keys
from llm_api.catalogue import Catalogue
from llm_api.errors import OutOfTimeError, ShuttingDownError
from llm_api.metrics import Metrics
from llm_api.phases import clock
from llm_api.settings import Settings
from llm_api.trace import Trace
from llm_api.upstream.client import Emit, Job, Runtime
from llm_api.upstream.ollama import Finish


class Gateway:
    """What all requests share; the app's lifespan makes one."""

    def __init__(self, settings: Settings, runtime: Runtime) -> None:
        self.settings = settings
        self.keys = Keys(settings)
        self.admission = Admission(settings.max_running, settings.max_waiting)
        self.metrics = Metrics(self.admission)
        self.catalogue = Catalogue(runtime, settings.model, self.metrics)
        self.log: FilteringBoundLogger = structlog.get_logger().bind()
        self.stops_at: float | None = None
        self._runtime = runtime
        self._deadlines: set[asyncio.Timeout] = set()

    def drain(self) -> None:
        """Be not ready any more; what runs or waits has the grace period to end."""
        grace = self.settings.shutdown_grace_seconds
        self.stops_at = clock() + grace
        end = asyncio.get_running_loop().time() + grace
        for deadline in self._deadlines:
            if not deadline.expired():  # One that is over ends its request already, and takes no other time.
                deadline.reschedule(min(end, deadline.when() or end))

    def check_ready(self) -> None:
        """Raise what keeps the model from answering here: ShuttingDownError, or the catalogue's trouble."""
        if self.stops_at is not None:
            raise ShuttingDownError("this replica stops", retry_after=1)
        if self.catalogue.trouble:
            raise self.catalogue.trouble.with_traceback(None)

    async def generate(self, job: Job, trace: Trace, emit: Emit) -> Finish:
        """Wait for a turn, generate, and measure. Cancelling it ends the work.

        Raises GatewayError.
        """
        deadline = asyncio.timeout(self._seconds_left(trace))
        self._deadlines.add(deadline)
        try:
            async with deadline, self.admission.slot():
                trace.phases.dispatched = clock()
                finish = await self._runtime.generate(job, trace.phases, emit)
        except TimeoutError:
            raise OutOfTimeError(self._too_late(trace)) from None
        finally:
            self._deadlines.discard(deadline)
            trace.phases.ended = clock()
        trace.usage, trace.phases.runtime_load = finish.usage, finish.load
        if not job.stream and finish.usage.generated_tokens:
            trace.phases.infer_first_token(finish.decode)
        self.admission.observe(trace.phases.inference)
        return finish

    def _seconds_left(self, trace: Trace) -> float:
        end = trace.phases.arrived + self.settings.request_timeout_seconds
        return max(0.0, min(end, self.stops_at or end) - clock())

    def _too_late(self, trace: Trace) -> str:
        where = "waiting for its turn" if trace.phases.dispatched is None else "generating"
        if self.stops_at is not None:
            return f"this replica stops, and the request was still {where}"
        return f"{self.settings.request_timeout_seconds:g} s have passed {where}"
