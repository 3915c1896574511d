"""Takes a generation through admission to the runtime, within its deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import structlog
from structlog.typing import FilteringBoundLogger

from llm_api.admission import Admission
from llm_api.auth import Keys
from llm_api.catalogue import Catalogue
from llm_api.errors import OutOfTimeError, RuntimeUnavailableError, ShuttingDownError, UnknownModelError
from llm_api.metrics import Metrics
from llm_api.record import Phases, clock
from llm_api.settings import Settings
from llm_api.upstream.chunk import Finish
from llm_api.upstream.client import Emit, Job, Runtime
from llm_api.upstream.inventory import Inventory
from llm_api.waiting import Waiting

if TYPE_CHECKING:
    from llm_api.tracing import Tracing

T = TypeVar("T")

# Between two looks at whether a draining replica is still needed.
LOOK_SECONDS = 0.05


class Gateway:
    """What all requests share; the app's lifespan creates one.

    Args:
        settings: All settings.
        runtime: Generates.
        inventory: Tells what the runtime has.
        routes: Paths of the routes that generate, which are labels of the metrics.
        tracing: Sends the traces of requests to these routes, where traces are on.
    """

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        inventory: Inventory,
        routes: Sequence[str],
        tracing: "Tracing | None" = None,
    ) -> None:
        self.settings = settings
        self.keys = Keys(settings)
        self.admission = Admission(settings.max_running, settings.max_waiting)
        self.metrics = Metrics(self.admission, routes)
        self.catalogue = Catalogue(inventory, settings, self.metrics)
        self.inventory = inventory
        self.tracing = tracing
        self.waiting = Waiting(settings, self.catalogue, inventory)
        self.log: FilteringBoundLogger = structlog.get_logger().bind()
        self.stops_at: float | None = None
        # Of requests other than probes.
        self.open_requests, self.last_arrival = 0, clock()
        self._runtime = runtime
        self._deadlines: set[asyncio.Timeout] = set()

    def drain(self) -> None:
        """Stop being ready; running and waiting requests get the grace period to finish."""
        grace = self.settings.shutdown_grace_seconds
        self.stops_at = clock() + grace
        end = asyncio.get_running_loop().time() + grace
        for deadline in self._deadlines:
            if not deadline.expired():  # An expired one is ending its request and cannot be rescheduled.
                deadline.reschedule(min(end, deadline.when() or end))

    async def drained(self, kept: Callable[[], bool]) -> None:
        """Return once it has been quiet for long enough, at the latest when the grace period ends.

        A Service forgets an address only some time after its pod got SIGTERM: new requests are served
        meanwhile, and each response ends its connection. A client that keeps an idle connection may be
        sending on it just when it is closed, so that the request would be lost: it has to leave by itself.

        Args:
            kept: Tells whether a client keeps a connection.
        """
        began, quiet = clock(), self.settings.shutdown_quiet_seconds
        end = began + (self.settings.shutdown_grace_seconds if quiet else 0)
        while clock() < end:
            still = clock() - max(began, self.last_arrival) >= quiet
            if still and not self.open_requests and not kept():
                return
            await asyncio.sleep(LOOK_SECONDS)

    def check_ready(self) -> None:
        """Raise ShuttingDownError, or the catalogue's error, if the model cannot answer here."""
        self._check_stopping()
        if self.catalogue.error:
            raise self.catalogue.error.with_traceback(None)

    def check_serving(self) -> None:
        """Raise ShuttingDownError, or the catalogue's error if the model has never been available.

        A replica whose runtime has gone stays: its 503 with Retry-After serves clients better than a refused
        connection. One whose requests wait for the runtime serves from its start: where the runtime is
        scaled to zero, only a request brings it back.
        """
        self._check_stopping()
        if not (self.catalogue.was_available or self.settings.wait_for_runtime_seconds):
            self.check_ready()

    async def generate(self, job: Job, phases: Phases, emit: Emit) -> Finish:
        """Wait for a slot, then generate; cancelling the call ends the generation.

        `phases` is filled in however the call ends. It is no return value, because a failed or cancelled
        generation has phases too.

        Raises:
            GatewayError: The queue is full, the deadline has passed, or the runtime failed.
        """
        finish = await self._admitted(phases, lambda: self._dispatch(job, phases, emit))
        phases.runtime_load = finish.load
        if not job.stream and finish.usage.generated_tokens:
            phases.infer_first_token(finish.decode)
        return finish

    async def settle(self, job: Job, phases: Phases) -> Job:
        """Wait in the queue until the runtime lists the model that a job asks for.

        Returns:
            The job with the model's name as the runtime lists it.

        Raises:
            GatewayError: The queue is full, the time is up, or the model cannot do what the job needs.
        """

        async def resolved() -> Job:
            while True:
                try:
                    model = await self.catalogue.resolve(job.model)
                except (RuntimeUnavailableError, UnknownModelError) as error:
                    await self.waiting.pause(error, job.model, phases)
                else:
                    await self.catalogue.check(model, job.needs)
                    return replace(job, model=model)

        settled = await self._admitted(phases, resolved)
        phases.ended = None
        return settled

    async def _admitted(self, phases: Phases, work: Callable[[], Awaitable[T]]) -> T:
        """Do the work in a slot and within the request's deadline.

        Raises:
            GatewayError: The queue is full, the deadline has passed, or the work failed.
        """
        deadline = asyncio.timeout(self._remaining(phases))
        self._deadlines.add(deadline)
        try:
            phases.queued = True
            async with deadline, self.admission:
                phases.queued = False
                return await work()
        except TimeoutError:
            raise OutOfTimeError(self._timeout_message(phases)) from None
        finally:
            self._deadlines.discard(deadline)
            phases.ended = clock()

    async def _dispatch(self, job: Job, phases: Phases, emit: Emit) -> Finish:
        """Send a job to the runtime, again and again while none can be reached but one is expected."""
        while True:
            phases.dispatched = began = clock()
            try:
                finish = await self._runtime.generate(job, phases, emit)
                self.admission.observe(clock() - began)
                return finish
            except RuntimeUnavailableError as error:
                await self.waiting.pause(error, job.model, phases)

    def _check_stopping(self) -> None:
        if self.stops_at is not None:
            raise ShuttingDownError("this replica is shutting down", retry_after=1)

    def _remaining(self, phases: Phases) -> float:
        """Return the seconds until the request's deadline, or until this replica stops."""
        end = phases.arrived + self.settings.request_timeout_seconds
        return max(0.0, min(end, self.stops_at or end) - clock())

    def _timeout_message(self, phases: Phases) -> str:
        state = "waiting in the queue" if phases.dispatched is None else "generating"
        if self.stops_at is not None:
            return f"this replica is shutting down, and the request was still {state}"
        return f"the request was still {state} after {self.settings.request_timeout_seconds:g} s"
