"""The models of the runtime, polled in the background, so that requests need not wait for them."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Any

import structlog

from llm_api.errors import (
    CapabilityError,
    GatewayError,
    ModelMissingError,
    RuntimeUnavailableError,
    UnknownModelError,
)
from llm_api.metrics import Metrics
from llm_api.names import canonical, match, parse_aliases
from llm_api.record import clock
from llm_api.settings import Settings
from llm_api.upstream.inventory import Inventory

log = structlog.get_logger()

# A request for an unknown model refreshes the list, but not more often than this.
REFRESH_AFTER_SECONDS = 0.5
# Between two looks until the default model is first there: what starts should not wait for the next look.
STARTING_SECONDS = 0.1


class Catalogue:
    """The runtime's models as of the last refresh.

    Attributes:
        models: When each model was modified (RFC 3339), by name.
        error: Why the default model is not available, or None if it is.
        was_available: Whether the default model has ever been available.
    """

    def __init__(self, inventory: Inventory, settings: Settings, metrics: Metrics) -> None:
        self.models: dict[str, str] = {}
        self.error: GatewayError | None = RuntimeUnavailableError(
            "the runtime has not been asked for its models yet", retry_after=1
        )
        self.was_available = False
        self._inventory, self._model, self._metrics = inventory, settings.model, metrics
        self._aliases = parse_aliases(settings.model_aliases or "")
        self._listed: dict[str, str] = {}  # the runtime's name of each model, by its canonical one
        self._capabilities: dict[tuple[str, str], frozenset[str]] = {}  # by name and time of modification
        self._news = asyncio.Event()
        self._refreshing = asyncio.Lock()
        self._refreshed = -REFRESH_AFTER_SECONDS

    async def watch(self, interval: float) -> None:
        """Refresh every `interval` seconds, forever; more often until the default model is available."""
        while True:
            try:
                await self.refresh()
            except Exception:
                log.exception("refreshing the models failed")
            await asyncio.sleep(interval if self.was_available else min(interval, STARTING_SECONDS))

    async def refresh(self) -> None:
        """Ask the runtime for its models; on failure set `error` and keep the previous list."""
        before = self.error
        try:
            self.models = await self._inventory.models()
            self._listed = {canonical(name): name for name in self.models}
            self.error = None if self._find(self._model) else self._missing()
        except RuntimeUnavailableError as error:
            self.error = error
        self._refreshed = clock()
        self.was_available |= self.error is None
        self._metrics.runtime_up.set(not isinstance(self.error, RuntimeUnavailableError))
        self._metrics.model_available.labels(self._model).set(self.error is None)
        if str(before) != str(self.error):
            self._log_change()
        self._news.set()
        self._news = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Wait for the next refresh, at most so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()

    async def refresh_if_old(self) -> None:
        """Refresh for a request, whose turn may come after a refresh for another one."""
        async with self._refreshing:
            if clock() - self._refreshed > REFRESH_AFTER_SECONDS:
                await self.refresh()

    async def resolve(self, name: str | None) -> str:
        """Return a model's name as the runtime lists it; None stands for the default model.

        A name means what it means to Ollama, else what LLM_MODEL_ALIASES says.

        Raises:
            UnknownModelError: The runtime does not list it.
            RuntimeUnavailableError: It is not in the previous list, and the runtime cannot be reached.
        """
        wanted = name or self._model
        if found := self._find(wanted):
            return found
        await self.refresh_if_old()
        if found := self._find(wanted):
            return found
        self.check_reachable()
        raise UnknownModelError(wanted)

    def check_reachable(self) -> None:
        """Raise RuntimeUnavailableError if the last refresh did."""
        if isinstance(self.error, RuntimeUnavailableError):
            raise self.error.with_traceback(None)

    async def check(self, name: str, needs: tuple[str, ...]) -> None:
        """Check that a listed model has the capabilities that a request needs.

        Raises:
            CapabilityError: It lacks one. If the runtime does not say, its own error has to do.
        """
        if not needs:
            return
        key = (name, self.models.get(name, ""))
        found = self._capabilities.get(key) or await self._inventory.capabilities(name)
        if found is None:
            return
        self._capabilities[key] = found
        for need in needs:
            if need not in found:
                raise CapabilityError(name, need)

    def entries(self) -> list[dict[str, Any]]:
        """Return all models in OpenAI's format, the default one first, then the aliases that are names."""
        default = self._find(self._model)
        names = sorted(self.models, key=lambda name: name != default)
        return [self.entry(name, name) for name in names] + [
            self.entry(alias, name) for alias, name in self.aliases().items()
        ]

    def aliases(self) -> dict[str, str]:
        """Return the listed model of each alias that is a name, not a pattern."""
        found = {alias: self._find(alias) for alias in self._aliases if alias[-1] != "*"}
        return {alias: name for alias, name in found.items() if name}

    def entry(self, name: str, listed: str) -> dict[str, Any]:
        """Return a listed model in OpenAI's format; `created` is 0 if the runtime does not give a time."""
        try:
            created = max(0, int(datetime.fromisoformat(self.models[listed]).timestamp()))
        except (ValueError, OverflowError):
            created = 0
        return {"id": name, "object": "model", "created": created, "owned_by": "llm-runtime"}

    def is_default(self, name: str) -> bool:
        """Tell whether a name stands for the default model, listed or not."""
        return canonical(self._model) in (canonical(name), canonical(match(name, self._aliases) or name))

    def _find(self, name: str) -> str | None:
        """Return the name under which the runtime lists a model, if it does."""
        if name in self.models:
            return name
        if found := self._listed.get(canonical(name)):
            return found
        target = match(name, self._aliases)
        return target and self._listed.get(canonical(target))

    def _missing(self) -> ModelMissingError:
        listed = ", ".join(sorted(self.models)) or "none"
        return ModelMissingError(
            f"the runtime does not have the model {self._model}; it has: {listed}", retry_after=2
        )

    def _log_change(self) -> None:
        if self.error:
            log.warning("not ready", reason=str(self.error))
        else:
            self._metrics.prepare(self._find(self._model) or self._model)
            log.info("ready", model=self._model)
