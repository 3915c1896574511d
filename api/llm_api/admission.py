"""The queue in front of the runtime: bounded, first come, first served."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from llm_api.errors import QueueFullError

# The newest generation's share in the mean service time that Retry-After is computed from.
SMOOTHING = 0.2


class Admission:
    """At most `max_running` turns at once, at most `max_waiting` requests in the queue."""

    def __init__(self, max_running: int, max_waiting: int) -> None:
        self.max_running, self.max_waiting = max_running, max_waiting
        self.running = 0
        self._queue: dict[asyncio.Future[None], None] = {}
        self._service_seconds = 0.0

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return len(self._queue)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a place and hold it. Who is cancelled while waiting leaves the queue.

        Raises QueueFullError at once when as many wait as may.
        """
        await self._take()
        try:
            yield
        finally:
            self._free()

    def measured(self, seconds: float) -> None:
        """Learn how long a generation took, from dispatch to its last byte."""
        known = self._service_seconds or seconds
        self._service_seconds = known + SMOOTHING * (seconds - known)

    def retry_after(self) -> int:
        """Whole seconds until a new request would have its turn, if all who wait stay: at least 1."""
        rounds = (self.waiting + 1) / self.max_running
        return max(1, math.ceil(rounds * self._service_seconds))

    async def _take(self) -> None:
        if self.running < self.max_running and not self._queue:
            self.running += 1
            return
        if self.waiting >= self.max_waiting:
            raise QueueFullError(
                f"{self.running} requests run and {self.waiting} wait, as many as may: try again later",
                retry_after=self.retry_after(),
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue[turn] = None
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._queue:
                del self._queue[turn]
            else:  # Granted and cancelled in one turn of the loop: pass the place on.
                self._free()
            raise

    def _free(self) -> None:
        self.running -= 1
        while self._queue and self.running < self.max_running:
            turn = next(iter(self._queue))
            del self._queue[turn]
            self.running += 1
            # A cancelled waiter that has not woken yet gives the place back when it does.
            if not turn.cancelled():
                turn.set_result(None)
