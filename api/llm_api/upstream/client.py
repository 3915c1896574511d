"""The client of the runtime: sends each generation to a replica, and maps every failure to a GatewayError."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import httpx

from llm_api.errors import OutOfTimeError, RuntimeFailedError, RuntimeUnavailableError
from llm_api.record import Phases, clock
from llm_api.settings import Settings
from llm_api.upstream import ollama
from llm_api.upstream.replicas import Replica, Replicas
from llm_api.upstream.retries import RetryBudget

Emit = Callable[[list[str]], Awaitable[None]]

# Safe to retry: no replica accepted the request, or the connection ended before the first byte of a response.
CONNECTION_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout)
ATTEMPTS = 3
BACKOFF_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Job:
    """One generation, as Ollama's API takes it: a path, and a payload without `model` and `stream`."""

    path: Literal["/api/generate", "/api/chat"]
    model: str
    payload: dict[str, Any]
    stream: bool


class Runtime:
    """Sends requests to the runtime's replicas.

    Generations go straight to `transport`, which `http` uses too: they need none of the client's cookies,
    redirects and decoding, and would pay for them (docs/performance.md).
    """

    def __init__(
        self,
        settings: Settings,
        http: httpx.AsyncClient,
        transport: httpx.AsyncBaseTransport,
        replicas: Replicas,
    ) -> None:
        self._settings, self._http, self._transport = settings, http, transport
        self._replicas = replicas
        self._budget = RetryBudget()
        self._headers = httpx.Headers({"content-type": "application/json", "host": replicas.host})
        self._timeout = httpx.Timeout(None, connect=settings.connect_timeout_seconds).as_dict()

    async def generate(self, job: Job, phases: Phases, emit: Emit) -> ollama.Finish:
        """Generate, passing pieces of text to `emit` as they arrive; cancelling the call stops the runtime.

        `phases.first_token` is set for a stream.

        Raises:
            GatewayError: The runtime cannot be reached, rejects the request, fails, or is too slow.
        """
        settings = self._settings
        first = settings.first_token_timeout_seconds if job.stream else None
        between = settings.between_tokens_timeout_seconds if job.stream else None
        try:
            async with asyncio.timeout(first) as limit, self._open(job) as response:
                if response.status_code != 200:
                    raise ollama.error_of(response.status_code, await response.aread(), job.model)
                async for texts, finish in ollama.events(response):
                    limit.reschedule(None)  # A slow client is not the runtime's fault.
                    if texts:
                        if phases.first_token is None and job.stream:
                            phases.first_token = clock()
                        await emit(texts)
                    if finish is not None:
                        return finish
                    limit.reschedule(between and asyncio.get_running_loop().time() + between)
        except TimeoutError:
            seconds, which = (between, "next") if phases.first_token else (first, "first")
            raise OutOfTimeError(f"the runtime sent no {which} token within {seconds:g} s") from None
        except httpx.RequestError as error:
            raise RuntimeFailedError(f"the connection to the runtime broke: {error}") from error
        raise RuntimeFailedError("the runtime's response ended early")

    async def models(self) -> dict[str, str]:
        """Return when each model of the replicas was modified (RFC 3339), by the model's name.

        Raises:
            RuntimeUnavailableError: The name cannot be resolved, or no replica responds.
        """
        try:
            await self._replicas.refresh()
        except OSError as error:
            raise RuntimeUnavailableError(
                f"the runtime's host {self._replicas.host} cannot be resolved: {error}", retry_after=2
            ) from error
        lists = await asyncio.gather(*map(self._tags, self._replicas.all))
        if all(models is None for models in lists):
            raise self._unavailable()
        return {name: modified for models in lists for name, modified in (models or {}).items()}

    async def _tags(self, replica: Replica) -> dict[str, str] | None:
        """Return one replica's models, or None if it does not list them."""
        request = httpx.Request(
            "GET", f"{replica.url}/api/tags", headers=self._headers, extensions={"timeout": self._timeout}
        )
        try:
            async with asyncio.timeout(5 * self._settings.connect_timeout_seconds):
                response = await self._http.send(request)
                models = {
                    # JSON can hold lone surrogates, which the gateway could not send on in UTF-8.
                    str(m["name"]).encode(errors="replace").decode(): str(m.get("modified_at", ""))
                    for m in response.json()["models"] or []
                }
        except (httpx.HTTPError, TimeoutError, *ollama.MALFORMED):
            replica.failing = True
            return None
        replica.failing = False
        return models

    @asynccontextmanager
    async def _open(self, job: Job) -> AsyncIterator[httpx.Response]:
        """Send the job to the least busy replica, and to others if that one does not accept it."""
        content = json.dumps(job.payload | {"model": job.model, "stream": job.stream}).encode()
        self._budget.earn()
        tried: list[Replica] = []
        while True:
            replica = self._replicas.pick(tried)
            if replica is None and len(self._replicas.all) == 1:
                replica = self._replicas.all[0]
            if replica is None:
                raise self._unavailable()
            with replica.in_use():
                request = httpx.Request(
                    "POST",
                    _url(replica.url + job.path),
                    headers=self._headers,
                    content=content,
                    extensions={"timeout": self._timeout},
                )
                try:
                    response = await self._transport.handle_async_request(request)
                except CONNECTION_ERRORS as error:
                    replica.failing = True
                    tried.append(replica)
                    if len(tried) == ATTEMPTS or not self._budget.spend():
                        raise self._unavailable() from error
                else:
                    try:
                        yield response
                    finally:
                        await response.aclose()
                    return
            await asyncio.sleep(BACKOFF_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret

    def _unavailable(self) -> RuntimeUnavailableError:
        return RuntimeUnavailableError(
            f"the runtime at {self._replicas.host} cannot be reached", retry_after=2
        )


@lru_cache(maxsize=64)
def _url(text: str) -> httpx.URL:
    """Parse a URL once: parsing takes longer than building the rest of a request."""
    return httpx.URL(text)
