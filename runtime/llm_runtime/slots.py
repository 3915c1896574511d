"""A first-come, first-served queue for a number of places that can change."""

import asyncio


class Slots:
    """Like asyncio.Semaphore, but it can be resized and tells how many wait."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0
        self._queue: dict[asyncio.Future[None], None] = {}

    @property
    def waiting(self) -> int:
        """How many stand in the queue."""
        return len(self._queue)

    async def take(self) -> None:
        """Take a place, or wait for one; the queue has no bound."""
        if self.taken < self.size and not self._queue:
            self.taken += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue[turn] = None
        try:
            await turn
        except asyncio.CancelledError:
            if turn in self._queue:
                del self._queue[turn]
            else:  # Granted and cancelled in one turn of the loop: pass the place on.
                self.free()
            raise

    def free(self) -> None:
        """Give a place back."""
        self.taken -= 1
        self._grant()

    def resize(self, size: int) -> None:
        """Change the number of places; who has one keeps it."""
        self.size = size
        self._grant()

    def _grant(self) -> None:
        while self._queue and self.taken < self.size:
            turn = next(iter(self._queue))
            del self._queue[turn]
            self.taken += 1
            if turn.cancelled():  # Its waiter has not woken yet, and gives the place back when it does.
                continue
            turn.set_result(None)
