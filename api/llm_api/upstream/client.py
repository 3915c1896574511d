"""The client of the runtime: sends each generation to a replica, and maps every failure to a GatewayError."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import httpx
from pydantic_core import PydanticSerializationError, to_json

from llm_api.errors import InvalidRequestError, OutOfTimeError, RuntimeLostError
from llm_api.record import Phases, clock
from llm_api.settings import Settings
from llm_api.upstream import ollama
from llm_api.upstream.chunk import Chunk, Finish
from llm_api.upstream.replicas import Replica, Replicas, unavailable
from llm_api.upstream.retries import RetryBudget
from llm_api.upstream.silence import SilenceLimit
from llm_api.upstream.transport import RawResponse, sending_by

Emit = Callable[[list[Chunk]], Awaitable[None]]

# Safe to retry: no replica accepted the request, or the connection ended before the first byte of a response.
CONNECTION_ERRORS = (httpx.ConnectError, httpx.ConnectTimeout)
ATTEMPTS = 3
BACKOFF_SECONDS = 0.05
_strict = json.JSONEncoder(allow_nan=False).encode


@dataclass(slots=True)
class Job:
    """One generation, as Ollama's API takes it.

    Attributes:
        path: The path of Ollama's API.
        model: The model's name, as the runtime lists it.
        payload: The body without `model` and `stream`.
        stream: Whether the answer is wanted while it is generated.
        needs: The model's capabilities without which it cannot answer, in Ollama's words: tools, vision,
            thinking, insert, embedding.
        choices: How many answers to generate, each for itself.
        prompts: If there are several, each gets its share of the answers, in order.
        headers: More headers of the request to the runtime.
    """

    path: Literal["/api/generate", "/api/chat", "/api/embed"]
    model: str
    payload: dict[str, Any]
    stream: bool
    needs: tuple[str, ...] = ()
    choices: int = 1
    prompts: tuple[str, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def choices_per_prompt(self) -> int:
        """Return how many answers each prompt gets."""
        return self.choices // max(1, len(self.prompts))

    def choice(self, index: int) -> "Job":
        """Return the generation of one choice; with the same seed, those of a prompt would be the same."""
        prompt, answer = divmod(index, self.choices_per_prompt)
        options = self.payload["options"]
        changed: dict[str, Any] = {"prompt": self.prompts[prompt]} if prompt else {}
        if answer and "seed" in options:
            changed["options"] = options | {"seed": options["seed"] + answer}
        return replace(self, payload=self.payload | changed) if changed else self


class Runtime:
    """Sends generations to the runtime's replicas.

    They go straight to `transport`: httpx.AsyncClient's cookies, redirects and decoding are of no use here,
    and not free (docs/performance.md).
    """

    def __init__(self, settings: Settings, transport: httpx.AsyncBaseTransport, replicas: Replicas) -> None:
        self._settings, self._send, self._replicas = settings, sending_by(transport), replicas
        self._budget = RetryBudget()
        self._headers = [(b"content-type", b"application/json"), (b"host", replicas.host.encode())]

    async def generate(self, job: Job, phases: Phases, emit: Emit) -> Finish:
        """Generate, passing chunks of output to `emit` as they arrive; cancelling the call stops the runtime.

        `phases.first_token` is set for a stream.

        Raises:
            GatewayError: The runtime cannot be reached, rejects the request, fails, or is too slow.
        """
        first = self._settings.first_token_timeout_seconds
        between = self._settings.between_tokens_timeout_seconds
        limit = SilenceLimit(first, between) if job.stream else None
        try:
            async with limit or nullcontext():
                response, replica = await self._open(job)
                try:
                    return await _read(response, job, phases, emit, limit)
                finally:
                    replica.busy -= 1
                    await response.stream.aclose()
        except TimeoutError:
            seconds, which = (between, "next") if phases.first_token else (first, "first")
            raise OutOfTimeError(f"the runtime sent no {which} token within {seconds:g} s") from None
        except httpx.RequestError as error:
            raise RuntimeLostError(f"the connection to the runtime broke: {error}") from error

    async def _open(self, job: Job) -> tuple[RawResponse, Replica]:
        """Send the job to the least busy replica, and to others if that one does not accept it.

        Returns:
            The response, which has to be closed, and the replica, of whose busy generations this is one.
        """
        content = _encoded(job)
        self._budget.earn()
        tried: list[Replica] = []
        while True:
            replica = self._replicas.pick(tried)
            if replica is None and len(self._replicas.all) == 1:
                replica = self._replicas.all[0]
            if replica is None:
                raise unavailable(self._replicas)
            url = _url(replica.url + job.path)
            headers = [*self._headers, *job.headers, (b"content-length", b"%d" % len(content))]
            seconds = self._settings.connect_timeout_seconds
            replica.busy += 1
            try:
                response = await self._send("POST", url, headers, content, seconds)
                return response, replica
            except CONNECTION_ERRORS as error:
                replica.busy -= 1
                replica.failing = True
                tried.append(replica)
                if len(tried) == ATTEMPTS or not self._budget.spend():
                    raise unavailable(self._replicas) from error
            except BaseException:
                replica.busy -= 1
                raise
            await asyncio.sleep(BACKOFF_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret


async def _read(
    response: RawResponse, job: Job, phases: Phases, emit: Emit, limit: SilenceLimit | None
) -> Finish:
    """Pass on the output of a response as it arrives, and return its end; raises what `generate` does."""
    if response.status != 200:
        content = b"".join([piece async for piece in response.stream])
        raise ollama.error_of(response.status, httpx.Headers(response.headers), content, job.model)
    reader, pieces = ollama.Reader(), aiter(response.stream)
    while not reader.error:
        chunks = reader.read(await anext(pieces, None))
        if chunks:
            if limit:
                limit.pause()  # A slow client is not the runtime's fault.
                if phases.first_token is None:
                    phases.first_token = clock()
            await emit(chunks)
        if reader.finish:
            return reader.finish
        if limit and chunks is not None:
            limit.resume()
    raise reader.error


def _encoded(job: Job) -> bytes:
    """Return the body of a request.

    Raises:
        InvalidRequestError: It has a number such as NaN, which pydantic lets pass where anything may be.
    """
    body = job.payload | {"model": job.model, "stream": job.stream}
    with suppress(PydanticSerializationError):  # at a lone surrogate, which Python's own encoder escapes
        content = to_json(body, inf_nan_mode="constants")
        if b"NaN" not in content and b"Infinity" not in content:
            return content
    try:
        return _strict(body).encode()
    except ValueError:
        raise InvalidRequestError("the request has a number that JSON does not have") from None


@lru_cache(maxsize=64)
def _url(text: str) -> httpx.URL:
    """Parse a URL once: parsing takes longer than building the rest of a request."""
    return httpx.URL(text)
