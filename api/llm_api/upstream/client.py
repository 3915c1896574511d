"""The client of the runtime: a generation goes to a replica that has room, and every failure has a name."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import httpx

from llm_api.errors import (
    OutOfTimeError,
    RuntimeFailedError,
    RuntimeUnavailableError,
)
from llm_api.record import Phases, clock
from llm_api.settings import Settings
from llm_api.upstream import ollama
from llm_api.upstream.replicas import Replica, Replicas
from llm_api.upstream.retries import RetryBudget

Emit = Callable[[list[str]], Awaitable[None]]

# What can be tried again: nobody took the request, or the connection ended without a byte of an answer.
CONNECTION_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout)
ATTEMPTS = 3
BACKOFF_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Job:
    """One generation: Ollama's path and body. `stream` says whether tokens are wanted as they come."""

    path: Literal["/api/generate", "/api/chat"]
    model: str
    payload: dict[str, Any]
    stream: bool


class Runtime:
    """Asks the runtime, whichever replica has room.

    Generations go to the client's transport without the client, whose cookies, redirects and decoding they do
    not need and would pay for (docs/performance.md).
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
        """Generate, handing over the pieces of text as they come. Cancelling the call ends the work there.

        Raises GatewayError for every way in which it can fail.
        """
        settings = self._settings
        first = settings.first_token_timeout_seconds if job.stream else None
        between = settings.between_tokens_timeout_seconds if job.stream else None
        try:
            async with asyncio.timeout(first) as limit, self._open(job) as response:
                if response.status_code != 200:
                    raise ollama.refusal(response.status_code, await response.aread(), job.model)
                async for texts, finish in ollama.events(response):
                    limit.reschedule(None)  # The client's pace is not the runtime's.
                    if texts:
                        if phases.first_token is None and job.stream:
                            phases.first_token = clock()
                        await emit(texts)
                    if finish is not None:
                        return finish
                    limit.reschedule(between and asyncio.get_running_loop().time() + between)
        except TimeoutError:
            seconds, what = (between, "next") if phases.first_token else (first, "first")
            raise OutOfTimeError(f"the runtime gave no {what} token within {seconds:g} s") from None
        except httpx.RequestError as error:
            raise RuntimeFailedError(f"the runtime broke the connection: {error}") from error
        raise RuntimeFailedError("the runtime ended its answer in the middle")

    async def models(self) -> dict[str, str]:
        """Return the models that the replicas list: when each was modified (RFC 3339), by name.

        Raises RuntimeUnavailableError where no replica answers.
        """
        try:
            await self._replicas.refresh()
        except OSError as error:
            raise RuntimeUnavailableError(
                f"{self._replicas.host} is no known name: {error}", retry_after=2
            ) from error
        answers = await asyncio.gather(*map(self._tags, self._replicas.all))
        if all(answer is None for answer in answers):
            raise self._unavailable()
        return {name: when for answer in answers for name, when in (answer or {}).items()}

    async def _tags(self, replica: Replica) -> dict[str, str] | None:
        request = httpx.Request(
            "GET", f"{replica.url}/api/tags", headers=self._headers, extensions={"timeout": self._timeout}
        )
        try:
            async with asyncio.timeout(5 * self._settings.connect_timeout_seconds):
                answer = await self._http.send(request)
                models = {
                    # JSON may escape what UTF-8 does not have, and a name goes out again.
                    str(m["name"]).encode(errors="replace").decode(): str(m.get("modified_at", ""))
                    for m in answer.json()["models"] or []
                }
        except (httpx.HTTPError, TimeoutError, *ollama.NONSENSE):
            replica.failing = True
            return None
        replica.failing = False
        return models

    @asynccontextmanager
    async def _open(self, job: Job) -> AsyncIterator[httpx.Response]:
        """Send the job to a replica, to another one where nobody takes it."""
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
        return RuntimeUnavailableError(f"the runtime at {self._replicas.host} does not answer", retry_after=2)


@lru_cache(maxsize=64)
def _url(text: str) -> httpx.URL:
    """Parsed once: it costs more than the rest of a request."""
    return httpx.URL(text)
