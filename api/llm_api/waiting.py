"""Waits for a runtime that is expected: in a restart, a scale-up from zero, or while it pulls a model."""

import asyncio

from llm_api.catalogue import Catalogue
from llm_api.errors import GatewayError, RuntimeUnavailableError, UnknownModelError
from llm_api.pulls import Pulls
from llm_api.record import Phases, clock
from llm_api.settings import Settings
from llm_api.upstream.inventory import Inventory

# Between two attempts to reach the runtime.
PAUSE_SECONDS = 0.25
# For the question whether a model is loaded, which only a comment in a stream needs.
ASKING_SECONDS = 1


class Waiting:
    """Decides what is worth waiting for, for how long, and tells those who wait what goes on."""

    def __init__(self, settings: Settings, catalogue: Catalogue, inventory: Inventory) -> None:
        self.pulls = Pulls(catalogue.refresh)
        self._seconds = settings.wait_for_runtime_seconds
        self._catalogue, self._inventory = catalogue, inventory

    async def find(self, model: str | None) -> str | None:
        """Return a model's name as the runtime lists it, or None if that is worth waiting for.

        Raises:
            GatewayError: There is no such model, or the runtime cannot be reached.
        """
        try:
            return await self._catalogue.resolve(model)
        except (RuntimeUnavailableError, UnknownModelError) as error:
            if not (self._seconds and self._expects(error, model)):
                raise
        return None

    async def pause(self, error: GatewayError, model: str, phases: Phases) -> None:
        """Wait before the next attempt, while the runtime cannot be reached.

        Raises:
            GatewayError: That was the last one, with this error.
        """
        left = phases.arrived + self._seconds - clock()
        if left <= 0 or not self._expects(error, model):
            raise error
        phases.dispatched = None
        end = clock() + left
        while True:
            await self._catalogue.wait(min(PAUSE_SECONDS, max(0.0, end - clock())))
            await self._catalogue.refresh_if_old()
            # One look for all who wait: an attempt of each would take the CPU with which the runtime starts.
            if clock() >= end or not isinstance(self._catalogue.error, RuntimeUnavailableError):
                return

    async def progress(self, model: str, phases: Phases) -> str:
        """Tell in a few words what a stream is doing while it is silent."""
        if phases.first_token is not None:
            return "generating"
        if phases.dispatched is not None:
            return "waiting for a token" if await self._loaded(model) else "loading"
        if phases.queued:
            return "waiting in the queue"
        return self.pulls.progress(model) or "waiting for the runtime"

    def _expects(self, error: GatewayError, model: str | None) -> bool:
        """Tell whether what is missing may come: a runtime, the default model, one that is being pulled."""
        if isinstance(error, RuntimeUnavailableError):
            return True
        return model is None or self._catalogue.is_default(model) or self.pulls.progress(model) is not None

    async def _loaded(self, model: str) -> bool:
        """Tell whether the runtime lists the model as loaded; assume so if it does not say."""
        try:
            async with asyncio.timeout(ASKING_SECONDS):
                return any(entry["name"] == model for entry in await self._inventory.entries("/api/ps"))
        except (GatewayError, TimeoutError):
            return True
