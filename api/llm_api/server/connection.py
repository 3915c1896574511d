"""What an app asks of its request's connection: a body that has arrived, and word of a client that leaves."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.types import Receive, Scope

# The gateway's own protocol (limits.py) has these extensions of ASGI. The first returns the body if all of it
# has arrived, else None. The second takes what to call when the client leaves, or None for nothing; other
# servers tell only who waits for it: a task for each request.
TAKE_BODY, ON_DEPARTURE = "llm_api.take_body", "llm_api.on_departure"
TakeBody = Callable[[Scope], bytes | None]
OnDeparture = Callable[[Callable[[], object] | None], None]


def arrived_body(scope: Scope) -> bytes | None:
    """Return the body if all of it has arrived, without waiting; None on servers that do not tell."""
    take_body: TakeBody | None = scope.get("extensions", {}).get(TAKE_BODY)
    return take_body(scope) if take_body else None


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
