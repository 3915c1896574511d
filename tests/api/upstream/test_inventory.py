"""What the gateway asks the runtime outside of generations."""

from typing import Any

import httpx
import pytest
from llm_api.errors import InvalidRequestError, RuntimeUnavailableError
from llm_api.settings import Settings
from llm_api.upstream.inventory import Inventory
from llm_api.upstream.replicas import Replica, Replicas


def inventory_of(**listed: Any) -> Inventory:
    """Return an inventory of replicas that list these models; None: the replica fails."""

    def respond(request: httpx.Request) -> httpx.Response:
        names = listed[request.url.host]
        if names is None:
            return httpx.Response(500)
        return httpx.Response(
            200, json={"models": [{"name": name, "at": request.url.host} for name in names]}
        )

    replicas = Replicas("http://runtime.test:1", resolve=True)
    replicas.all = [Replica(f"http://{host}") for host in listed]
    return Inventory(Settings(), httpx.AsyncClient(transport=httpx.MockTransport(respond)), replicas)


async def test_the_lists_of_all_replicas_become_one() -> None:
    inventory = inventory_of(a=["x", "y"], b=["y", "z"], c=None, d=[])
    assert [entry["name"] for entry in await inventory.entries("/api/ps")] == ["x", "y", "z"]


async def test_no_replica_with_a_list_is_an_error_but_an_empty_list_is_none() -> None:
    assert await inventory_of(a=[], b=None).entries("/api/ps") == []
    with pytest.raises(RuntimeUnavailableError):
        await inventory_of(a=None).entries("/api/ps")


async def test_a_change_that_would_reach_one_of_several_replicas_is_refused() -> None:
    async def nothing() -> Any:
        yield b""

    with pytest.raises(InvalidRequestError, match="2 replicas"):
        await inventory_of(a=[], b=[]).forward("POST", "/api/pull", {}, nothing())
