"""The models of the runtime, polled in the background, so that requests need not wait for them."""

import asyncio
from datetime import datetime
from typing import Any

import structlog

from llm_api.errors import GatewayError, ModelMissingError, RuntimeUnavailableError, UnknownModelError
from llm_api.metrics import Metrics
from llm_api.record import clock
from llm_api.upstream.client import Runtime

log = structlog.get_logger()

# A request for an unknown model refreshes the list, but not more often than this.
REFRESH_AFTER_SECONDS = 0.5


class Catalogue:
    """The runtime's models as of the last refresh.

    Attributes:
        models: When each model was modified (RFC 3339), by name.
        error: Why the default model is not available, or None if it is.
    """

    def __init__(self, runtime: Runtime, model: str, metrics: Metrics) -> None:
        self.models: dict[str, str] = {}
        self.error: GatewayError | None = RuntimeUnavailableError(
            "the runtime has not been asked for its models yet", retry_after=1
        )
        self._runtime, self._model, self._metrics = runtime, model, metrics
        self._refreshing = asyncio.Lock()
        self._refreshed = -REFRESH_AFTER_SECONDS

    async def watch(self, interval: float) -> None:
        """Refresh every `interval` seconds, forever."""
        while True:
            try:
                await self.refresh()
            except Exception:
                log.exception("refreshing the models failed")
            await asyncio.sleep(interval)

    async def refresh(self) -> None:
        """Ask the runtime for its models; on failure set `error` and keep the previous list."""
        before = self.error
        try:
            self.models = await self._runtime.models()
            self.error = None if self._find(self._model) else self._missing()
        except RuntimeUnavailableError as error:
            self.error = error
        self._refreshed = clock()
        self._metrics.runtime_up.set(not isinstance(self.error, RuntimeUnavailableError))
        self._metrics.model_available.labels(self._model).set(self.error is None)
        if str(before) != str(self.error):
            self._log_change()

    async def resolve(self, name: str | None) -> str:
        """Return the full name of a model, or of the default model for None.

        Raises:
            UnknownModelError: The runtime does not list it.
            RuntimeUnavailableError: It is not in the previous list, and the runtime cannot be reached.
        """
        wanted = name or self._model
        if found := self._find(wanted):
            return found
        async with self._refreshing:
            if clock() - self._refreshed > REFRESH_AFTER_SECONDS:
                await self.refresh()
        if found := self._find(wanted):
            return found
        self.check_reachable()
        raise UnknownModelError(wanted)

    def check_reachable(self) -> None:
        """Raise RuntimeUnavailableError if the last refresh did."""
        if isinstance(self.error, RuntimeUnavailableError):
            raise self.error.with_traceback(None)

    def entry(self, name: str) -> dict[str, Any]:
        """Return a listed model in OpenAI's format; `created` is 0 if the runtime does not give a time."""
        try:
            created = max(0, int(datetime.fromisoformat(self.models[name]).timestamp()))
        except (ValueError, OverflowError):
            created = 0
        return {"id": name, "object": "model", "created": created, "owned_by": "llm-runtime"}

    def _find(self, name: str) -> str | None:
        """Return the listed name; as in Ollama, one without a tag means `latest`."""
        return next((known for known in (name, f"{name}:latest") if known in self.models), None)

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
