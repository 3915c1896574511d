"""What the runtime has, and what else it can be asked outside of generations."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx

from llm_api.errors import GatewayError, InvalidRequestError, RuntimeFailedError, RuntimeUnavailableError
from llm_api.settings import Settings
from llm_api.upstream import ollama
from llm_api.upstream.replicas import Replica, Replicas, unavailable


class Inventory:
    """Asks the runtime's replicas about models and about themselves, each within a short time."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, replicas: Replicas) -> None:
        self._http, self._replicas = http, replicas
        self._headers = {"host": replicas.host}
        self._timeout = httpx.Timeout(None, connect=settings.connect_timeout_seconds)
        self._seconds = 5 * settings.connect_timeout_seconds

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
            raise unavailable(self._replicas)
        return {name: modified for models in lists for name, modified in (models or {}).items()}

    async def ask(self, method: str, path: str, payload: dict[str, Any] | None = None) -> Any:
        """Return the JSON of the first replica that responds.

        Raises:
            RuntimeUnavailableError: No replica responds.
            RuntimeFailedError: The response is not JSON.
            GatewayError: What an unsuccessful status means.
        """
        tried: list[Replica] = []
        while replica := self._replicas.pick(tried):
            try:
                response = await self._send(replica, method, path, payload)
            except (httpx.HTTPError, TimeoutError):
                tried.append(replica)
                continue
            if response.status_code != 200:
                model = str((payload or {}).get("model", ""))
                raise ollama.error_of(response.status_code, response.headers, response.content, model)
            try:
                return response.json()
            except ollama.MALFORMED as error:
                raise RuntimeFailedError("the runtime's response is not JSON") from error
        raise unavailable(self._replicas)

    async def entries(self, path: str) -> list[dict[str, Any]]:
        """Return the models that the replicas list at a path, each name once.

        Raises:
            RuntimeUnavailableError: No replica lists any.
        """
        lists = await asyncio.gather(*(self._entries(replica, path) for replica in self._replicas.all))
        if all(entries is None for entries in lists):
            raise unavailable(self._replicas)
        return list({entry["name"]: entry for entries in lists for entry in entries or ()}.values())

    async def forward(
        self, method: str, path: str, headers: dict[str, str], content: AsyncIterator[bytes]
    ) -> tuple[httpx.Response, AsyncIterator[bytes]]:
        """Send a request to the runtime as it arrives, without a limit on its time.

        Returns:
            The head of the response, and its body, which has to be read or closed.

        Raises:
            InvalidRequestError: There are several replicas, each with models of its own.
            RuntimeUnavailableError: The runtime does not respond.
        """
        if len(self._replicas.all) != 1:
            raise InvalidRequestError(
                f"the runtime has {len(self._replicas.all)} replicas, and a change would reach only one"
            )
        url = self._replicas.all[0].url + path
        # A client of its own: the gateway's transport does not send bodies while they arrive.
        http = httpx.AsyncClient(trust_env=False, timeout=self._timeout)
        request = http.build_request(method, url, headers=headers | self._headers, content=content)
        try:
            response = await http.send(request, stream=True)
        except BaseException as error:
            await http.aclose()
            if isinstance(error, httpx.HTTPError):
                raise unavailable(self._replicas) from error
            raise

        async def body() -> AsyncIterator[bytes]:
            try:
                async for piece in response.aiter_bytes():
                    yield piece
            finally:
                await response.aclose()
                await http.aclose()

        return response, body()

    async def capabilities(self, model: str) -> frozenset[str] | None:
        """Return what a model can do, as /api/show lists it, or None if the runtime does not say."""
        try:
            return frozenset(
                map(str, (await self.ask("POST", "/api/show", {"model": model}))["capabilities"])
            )
        except (GatewayError, *ollama.MALFORMED):
            return None

    async def _tags(self, replica: Replica) -> dict[str, str] | None:
        """Return one replica's models, or None if it does not list them."""
        entries = await self._entries(replica, "/api/tags")
        replica.failing = entries is None
        return (
            None
            if entries is None
            else {entry["name"]: str(entry.get("modified_at", "")) for entry in entries}
        )

    async def _entries(self, replica: Replica, path: str) -> list[dict[str, Any]] | None:
        try:
            response = await self._send(replica, "GET", path)
            # JSON can hold lone surrogates, which the gateway could not send on in UTF-8.
            return [
                entry | {"name": str(entry["name"]).encode(errors="replace").decode()}
                for entry in response.json()["models"] or []
            ]
        except (httpx.HTTPError, TimeoutError, *ollama.MALFORMED):
            return None

    async def _send(self, replica: Replica, method: str, path: str, payload: Any = None) -> httpx.Response:
        async with asyncio.timeout(self._seconds):
            return await self._http.request(
                method, replica.url + path, json=payload, headers=self._headers, timeout=self._timeout
            )
