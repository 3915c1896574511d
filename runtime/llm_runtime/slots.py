"""A first-come, first-served queue for a number of slots that can change."""

import asyncio


class Slots:
    """Like asyncio.Semaphore, but it can be resized and reports how many are waiting."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0
        self._queue: dict[asyncio.Future[None], None] = {}

    @property
    def waiting(self) -> int:
        return len(self._queue)

    async def take(self) -> None:
        """Take a slot, waiting for one if necessary; the queue is unbounded."""
        if self.taken < self.size and not self._queue:
            self.taken += 1
            return
        granted = asyncio.get_running_loop().create_future()
        self._queue[granted] = None
        try:
            await granted
        except asyncio.CancelledError:
            if granted in self._queue:
                del self._queue[granted]
            else:  # Granted and cancelled in the same iteration of the loop: pass the slot on.
                self.free()
            raise

    def free(self) -> None:
        self.taken -= 1
        self._grant()

    def resize(self, size: int) -> None:
        """Change the number of slots; those that are taken stay taken."""
        self.size = size
        self._grant()

    def _grant(self) -> None:
        while self._queue and self.taken < self.size:
            granted = next(iter(self._queue))
            del self._queue[granted]
            self.taken += 1
            if granted.cancelled():  # Its waiter has not run yet, and will free the slot when it does.
                continue
            granted.set_result(None)
