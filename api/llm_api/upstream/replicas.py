"""Which of the runtime's replicas gets a generation: the least busy one, as this gateway sees it.

A pooled connection stays on one replica, and a Service spreads connections, not requests. So the addresses
behind the name are looked up here, each with a pool of its own (https://sre.google/sre-book/load-balancing-datacenter/,
"least-loaded").
"""

import asyncio
import itertools
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx


@dataclass(slots=True, eq=False)
class Address:
    """One replica: `url` leads to it, `busy` generations of this gateway run on it."""

    url: str
    busy: int = 0
    last_used: int = 0
    failing: bool = False

    @contextmanager
    def used(self) -> Iterator[None]:
        """Count a generation while it runs there."""
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1


class Addresses:
    """The replicas behind the runtime's URL."""

    def __init__(self, url: str, *, resolve: bool) -> None:
        self._url = httpx.URL(url)
        self._resolve = resolve
        self._turns = itertools.count(1)
        self.host = self._url.netloc.decode()
        self.all: list[Address] = [] if resolve else [Address(url)]

    async def refresh(self) -> None:
        """Look the name up; a replica that stays keeps its count. Raises OSError for an unknown name."""
        if not self._resolve:
            return
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        found = await asyncio.get_running_loop().getaddrinfo(
            self._url.host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )
        each = (str(self._url.copy_with(host=entry[4][0], port=port)).rstrip("/") for entry in found)
        known = {address.url: address for address in self.all}
        self.all = [known.get(url) or Address(url) for url in dict.fromkeys(each)]

    def pick(self, tried: Collection[Address]) -> Address | None:
        """Return the least busy address that was not tried, one that fails last; None where none is left."""
        candidates = [address for address in self.all if address not in tried]
        if not candidates:
            return None
        best = min(candidates, key=lambda address: (address.failing, address.busy, address.last_used))
        best.last_used = next(self._turns)
        return best
