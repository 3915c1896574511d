"""The bounded queue in front of the runtime: first come, first served."""

import asyncio
import math

from llm_api.errors import QueueFullError

# Weight of the newest generation in the moving average that Retry-After is computed from.
SMOOTHING = 0.2


class Admission:
    """Lets `max_running` generations run at once, and `max_waiting` more requests wait.

    `async with` it: the block runs in a slot.
    """

    def __init__(self, max_running: int, max_waiting: int) -> None:
        self.max_running, self.max_waiting = max_running, max_waiting
        self._slots = asyncio.Semaphore(max_running)
        self._admitted = 0  # running and waiting together
        self._service_seconds = 0.0

    @property
    def running(self) -> int:
        """Requests that hold a slot: the semaphore leaves none free while a request waits."""
        return min(self._admitted, self.max_running)

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return self._admitted - self.running

    async def __aenter__(self) -> None:
        """Wait for a slot; a request that is cancelled while it waits leaves the queue.

        Raises:
            QueueFullError: At once, if the queue is full.
        """
        if self._admitted >= self.max_running + self.max_waiting:
            raise QueueFullError(
                f"the queue is full ({self.running} running, {self.waiting} waiting): try again later",
                retry_after=self.retry_after(),
            )
        self._admitted += 1
        try:
            await self._slots.acquire()
        except BaseException:
            self._admitted -= 1
            raise

    async def __aexit__(self, *_: object) -> None:
        """Give the slot back."""
        self._slots.release()
        self._admitted -= 1

    def observe(self, seconds: float) -> None:
        """Add the duration of a generation, from dispatch to its last byte, to the moving average."""
        average = self._service_seconds or seconds
        self._service_seconds = average + SMOOTHING * (seconds - average)

    def retry_after(self) -> int:
        """Return the estimated seconds until a new request would get a slot, rounded up; at least 1."""
        rounds = (self.waiting + 1) / self.max_running
        return max(1, math.ceil(rounds * self._service_seconds))
