"""Which models there are, asked of the runtime in the background: no request pays for the question."""

import asyncio
from datetime import datetime
from typing import Any

import structlog

from llm_api.errors import GatewayError, ModelMissingError, RuntimeUnavailableError, UnknownModelError
from llm_api.metrics import Metrics
from llm_api.phases import clock
from llm_api.upstream.client import Runtime

log = structlog.get_logger()

# An unknown name is worth a look at the runtime, but not at every request.
LOOK_AGAIN_SECONDS = 0.5


class Catalogue:
    """The runtime's models, as of the last look."""

    def __init__(self, runtime: Runtime, model: str, metrics: Metrics) -> None:
        self.models: dict[str, str] = {}
        self.trouble: GatewayError | None = RuntimeUnavailableError(
            "the runtime was not asked yet", retry_after=1
        )
        self._runtime, self._model, self._metrics = runtime, model, metrics
        self._looking = asyncio.Lock()
        self._looked = -LOOK_AGAIN_SECONDS

    async def watch(self, interval: float) -> None:
        """Look at the runtime for ever, every `interval` seconds."""
        while True:
            try:
                await self.refresh()
            except Exception:
                log.exception("the look at the runtime failed")
            await asyncio.sleep(interval)

    async def refresh(self) -> None:
        """Look at the runtime; what cannot be had is `trouble`, and the models of before stay."""
        before = self.trouble
        try:
            self.models = await self._runtime.models()
            self.trouble = None if self._find(self._model) else self._missing()
        except RuntimeUnavailableError as error:
            self.trouble = error
        self._looked = clock()
        self._metrics.runtime_up.set(not isinstance(self.trouble, RuntimeUnavailableError))
        self._metrics.model_available.labels(self._model).set(self.trouble is None)
        if str(before) != str(self.trouble):
            self._tell()

    async def resolve(self, name: str | None) -> str:
        """Return the full name of a model; of the default one where none is named.

        Raises UnknownModelError, or RuntimeUnavailableError where no model is known at all.
        """
        wanted = name or self._model
        if found := self._find(wanted):
            return found
        async with self._looking:
            if clock() - self._looked > LOOK_AGAIN_SECONDS:
                await self.refresh()
        if found := self._find(wanted):
            return found
        if isinstance(self.trouble, RuntimeUnavailableError):
            raise self.trouble.with_traceback(None)
        raise UnknownModelError(wanted)

    def entry(self, name: str) -> dict[str, Any]:
        """Return a listed model as OpenAI's API has it; `created` is 0 where the runtime does not say."""
        try:
            created = max(0, int(datetime.fromisoformat(self.models[name]).timestamp()))
        except (ValueError, OverflowError):
            created = 0
        return {"id": name, "object": "model", "created": created, "owned_by": "llm-runtime"}

    def _find(self, name: str) -> str | None:
        """Ollama's rule: a name without a tag means `latest`."""
        return next((known for known in (name, f"{name}:latest") if known in self.models), None)

    def _missing(self) -> ModelMissingError:
        listed = ", ".join(sorted(self.models)) or "none"
        return ModelMissingError(f"the runtime does not have {self._model}; it has: {listed}", retry_after=2)

    def _tell(self) -> None:
        if self.trouble:
            log.warning("not ready", reason=str(self.trouble))
        else:
            self._metrics.prepare(self._find(self._model) or self._model)
            log.info("ready", model=self._model)
