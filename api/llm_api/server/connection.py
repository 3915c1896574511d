"""What an app asks of the connection of its request: whether all has arrived, and to be told who leaves."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Receive, Scope

# The gateway's own protocol (limits.py) has these extensions of ASGI. The first tells whether all of the body
# has arrived. The second takes what to call when the client leaves, or None for nothing; other servers tell
# only who waits for it: a task for each request.
HAS_ARRIVED, ON_DEPARTURE = "llm_api.has_arrived", "llm_api.on_departure"
HasArrived = Callable[[Scope], bool]
OnDeparture = Callable[[Callable[[], object] | None], None]


def has_arrived(scope: Scope) -> bool:
    """Return whether all of the body is known to have arrived: other servers do not tell."""
    asked: HasArrived | None = scope.get("extensions", {}).get(HAS_ARRIVED)
    return asked is not None and asked(scope)


async def while_connected(scope: Scope, receive: Receive, work: Coroutine[Any, Any, None]) -> bool:
    """Run `work`, cancelling it if the client disconnects; return whether the client stayed."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - ASGI calls come from tasks
    left = False

    def leave() -> None:
        nonlocal left
        left = True
        task.cancel()

    on_departure: OnDeparture = scope.get("extensions", {}).get(ON_DEPARTURE) or _waiting(receive)
    on_departure(leave)
    try:
        await work
    except asyncio.CancelledError:
        if not left:
            raise
        task.uncancel()
    finally:
        on_departure(None)
    return not left


def _waiting(receive: Receive) -> OnDeparture:
    """Return the same for any server: a task that waits."""
    waiting: asyncio.Task[None] | None = None

    async def wait(leave: Callable[[], object]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        leave()

    def on_departure(leave: Callable[[], object] | None) -> None:
        nonlocal waiting
        if leave:
            waiting = asyncio.create_task(wait(leave))
        elif waiting:
            waiting.cancel()

    return on_departure
