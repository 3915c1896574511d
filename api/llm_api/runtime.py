"""The client of the runtime: Ollama's HTTP API (https://github.com/ollama/ollama/blob/main/docs/api.md)."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import httpx

from llm_api.balance import Address, Addresses
from llm_api.errors import (
    GatewayError,
    InvalidRequestError,
    OutOfTimeError,
    RuntimeBusyError,
    RuntimeFailedError,
    RuntimeUnavailableError,
    UnknownModelError,
)
from llm_api.phases import Phases, Usage, clock
from llm_api.retries import RetryBudget
from llm_api.settings import Settings

Emit = Callable[[list[str]], Awaitable[None]]

# What can be tried again: nobody took the request. httpx-aiohttp maps a connection that ended before any
# byte of an answer to ConnectTimeout, httpx's own transport to RemoteProtocolError.
CONNECTION_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout, httpx.RemoteProtocolError)
ATTEMPTS = 3
BACKOFF_SECONDS = 0.05
MAX_LINE_BYTES = 16 * 2**20
NANO = 1e-9
# What reading JSON of another shape than expected raises; RecursionError is for nesting without end.
NONSENSE = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Job:
    """One generation: Ollama's path and body. `stream` says whether tokens are wanted as they come."""

    path: Literal["/api/generate", "/api/chat"]
    model: str
    body: dict[str, Any]
    stream: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """The end of an answer. Durations in seconds."""

    reason: str
    usage: Usage
    load: float
    decode: float


class Runtime:
    """Asks the runtime, whichever replica has room."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, addresses: Addresses) -> None:
        self._settings, self._http, self._addresses = settings, http, addresses
        self._budget = RetryBudget()
        self._headers = httpx.Headers({"content-type": "application/json", "host": addresses.host})
        self._timeout = httpx.Timeout(None, connect=settings.connect_timeout_seconds).as_dict()

    async def generate(self, job: Job, phases: Phases, emit: Emit) -> Finish:
        """Generate, handing over the pieces of text as they come. Cancelling the call ends the work there.

        Raises GatewayError for every way in which it can fail.
        """
        settings = self._settings
        first = settings.first_token_timeout_seconds if job.stream else None
        between = settings.between_tokens_timeout_seconds if job.stream else None
        try:
            async with asyncio.timeout(first) as limit, self._open(job) as response:
                if response.status_code != 200:
                    raise _refusal(response.status_code, await response.aread(), job.model)
                async for texts, finish in _events(response):
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
            await self._addresses.refresh()
        except OSError as error:
            raise RuntimeUnavailableError(
                f"{self._addresses.host} is no known name: {error}", retry_after=2
            ) from error
        answers = await asyncio.gather(*map(self._tags, self._addresses.all))
        if all(answer is None for answer in answers):
            raise self._unavailable()
        return {name: when for answer in answers for name, when in (answer or {}).items()}

    async def _tags(self, address: Address) -> dict[str, str] | None:
        request = httpx.Request(
            "GET", f"{address.url}/api/tags", headers=self._headers, extensions={"timeout": self._timeout}
        )
        try:
            async with asyncio.timeout(5 * self._settings.connect_timeout_seconds):
                answer = await self._http.send(request)
                models = {
                    # JSON may escape what UTF-8 does not have, and a name goes out again.
                    str(m["name"]).encode(errors="replace").decode(): str(m.get("modified_at", ""))
                    for m in answer.json()["models"] or []
                }
        except (httpx.HTTPError, TimeoutError, *NONSENSE):
            address.failing = True
            return None
        address.failing = False
        return models

    @asynccontextmanager
    async def _open(self, job: Job) -> AsyncIterator[httpx.Response]:
        """Send the job to a replica, to another one where nobody takes it."""
        content = json.dumps(job.body | {"model": job.model, "stream": job.stream}).encode()
        self._budget.earn()
        tried: list[Address] = []
        while True:
            address = self._addresses.pick(tried)
            if address is None and len(self._addresses.all) == 1:
                address = self._addresses.all[0]
            if address is None:
                raise self._unavailable()
            with address.used():
                request = httpx.Request(
                    "POST",
                    _url(address.url + job.path),
                    headers=self._headers,
                    content=content,
                    extensions={"timeout": self._timeout},
                )
                try:
                    response = await self._http.send(request, stream=True)
                except CONNECTION_ERRORS as error:
                    address.failing = True
                    tried.append(address)
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
            f"the runtime at {self._addresses.host} does not answer", retry_after=2
        )


@lru_cache(maxsize=64)
def _url(text: str) -> httpx.URL:
    """Parsing a URL costs as much as the rest of a request."""
    return httpx.URL(text)


async def _events(response: httpx.Response) -> AsyncIterator[tuple[list[str], Finish | None]]:
    """The texts that arrived together, and the end where it is among them. One JSON object a line."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > MAX_LINE_BYTES:
            raise RuntimeFailedError("the runtime sent a line without an end")
        if lines:
            yield _parse(lines)
    if rest:
        yield _parse([rest])


def _parse(lines: list[bytes]) -> tuple[list[str], Finish | None]:
    texts: list[str] = []
    for line in filter(None, lines):
        try:
            event = json.loads(line)
            if "error" in event:
                raise RuntimeFailedError(f"the runtime failed: {event['error']}")
            if text := event["message"]["content"] if "message" in event else event["response"]:
                if not isinstance(text, str):
                    raise TypeError("text that is none")
                texts.append(text)
            if event.get("done"):
                return texts, _finish(event)
        except NONSENSE as error:
            raise RuntimeFailedError("the runtime answered what is not Ollama's API") from error
    return texts, None


def _finish(event: dict[str, Any]) -> Finish:
    """The last object; Ollama leaves out what is 0."""
    usage = Usage(_amount(event, "prompt_eval_count"), _amount(event, "eval_count"))
    load, decode = _amount(event, "load_duration") * NANO, _amount(event, "eval_duration") * NANO
    return Finish(str(event.get("done_reason") or "stop"), usage, load, decode)


def _amount(event: dict[str, Any], name: str) -> int:
    """A count, or nanoseconds: nothing that the sums of the metrics could not bear."""
    return max(0, min(int(event.get(name, 0)), 2**63 - 1))


def _refusal(status: int, content: bytes, model: str) -> GatewayError:
    """What an answer other than 200 means for the gateway's client."""
    try:
        said = str(json.loads(content)["error"])
    except NONSENSE:
        said = content[:200].decode(errors="replace")
    if status == 404:
        return UnknownModelError(model)
    if status == 400:
        return InvalidRequestError(f"the runtime refuses the request: {said}")
    if status == 503:
        return RuntimeBusyError(f"the runtime is busy: {said}", retry_after=2)
    return RuntimeFailedError(f"the runtime answered {status}: {said}")
