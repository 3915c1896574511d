"""Picks the replica for each generation: the one with the fewest generations of this gateway.

A pooled connection stays with one replica, and a Service balances connections, not requests. So the gateway
resolves the name itself and keeps a connection pool per address ("least-loaded round robin",
https://sre.google/sre-book/load-balancing-datacenter/).
"""

import asyncio
import itertools
import socket
from collections.abc import Collection
from dataclasses import dataclass

import httpx

from llm_api.errors import RuntimeUnavailableError


@dataclass(slots=True, eq=False)
class Replica:
    """One replica, with `busy` generations of this gateway running on it."""

    url: str
    busy: int = 0
    last_picked: int = 0
    failing: bool = False


class Replicas:
    """The replicas behind the runtime's URL: one per address if `resolve` is set, else the URL itself."""

    def __init__(self, url: str, *, resolve: bool) -> None:
        self._url = httpx.URL(url)
        self._resolve = resolve
        self._picks = itertools.count(1)
        self.host = self._url.netloc.decode()
        self.all: list[Replica] = [] if resolve else [Replica(url)]

    async def refresh(self) -> None:
        """Resolve the name again; replicas that are still there keep their state.

        Raises:
            OSError: The name cannot be resolved.
        """
        if not self._resolve:
            return
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(
            self._url.host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
        urls = (str(self._url.copy_with(host=entry[4][0], port=port)).rstrip("/") for entry in found)
        known = {replica.url: replica for replica in self.all}
        self.all = [known.get(url) or Replica(url) for url in dict.fromkeys(urls)]

    def pick(self, tried: Collection[Replica]) -> Replica | None:
        """Return the least busy replica that is not in `tried`, or None; failing ones are the last resort."""
        candidates = [replica for replica in self.all if replica not in tried]
        if not candidates:
            return None
        best = min(candidates, key=lambda replica: (replica.failing, replica.busy, replica.last_picked))
        best.last_picked = next(self._picks)
        return best


def unavailable(replicas: Replicas) -> RuntimeUnavailableError:
    """Return the error for replicas none of which responds."""
    return RuntimeUnavailableError(f"the runtime at {replicas.host} cannot be reached", retry_after=2)
