"""Bounded waits for tests. A wait that fails says what it waited for and what it saw last."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

SECONDS = 60.0
"""The default bound: a thousand times what most waits take, so that a busy machine fails no test."""


def equals(expected: Any) -> Callable[[Any], bool]:
    """Return a condition for `until` and `until_sync`."""
    return lambda seen: bool(seen == expected)


@overload
async def until(
    what: str, look: Callable[[], Awaitable[T]], holds: Callable[[T], bool] = ..., *, seconds: float = ...
) -> T: ...
@overload
async def until(
    what: str, look: Callable[[], T], holds: Callable[[T], bool] = ..., *, seconds: float = ...
) -> T: ...
async def until(
    what: str, look: Callable[[], Any], holds: Callable[[Any], bool] = bool, *, seconds: float = SECONDS
) -> Any:
    """Call `look` every few milliseconds until `holds` accepts what it returns, and return that.

    Raises:
        AssertionError: After `seconds`, with `what` and the last value seen.
    """
    seen = None
    try:
        async with asyncio.timeout(seconds) as limit:
            while True:
                looked = look()
                seen = await looked if inspect.isawaitable(looked) else looked
                if holds(seen):
                    return seen
                await asyncio.sleep(0.005)
    except TimeoutError:
        if not limit.expired():
            raise
        raise _timeout(what, seconds, seen) from None


async def within(
    what: str, work: Awaitable[T], *, seconds: float = SECONDS, saw: Callable[[], object] | None = None
) -> T:
    """Await `work`; cancel it if it takes too long.

    Raises:
        AssertionError: After `seconds`, with `what` and, if `saw` is given, what it returns.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            return await work
    except TimeoutError:
        if not limit.expired():
            raise
        raise _timeout(what, seconds, *([saw()] if saw else [])) from None


def until_sync(
    what: str, look: Callable[[], T], holds: Callable[[T], bool] = bool, *, seconds: float = SECONDS
) -> T:
    """Do as `until` does, outside an event loop; `look` has to bound itself.

    Raises:
        AssertionError: After `seconds`, with `what` and the last value seen.
    """
    deadline = time.monotonic() + seconds
    while not holds(seen := look()):
        if time.monotonic() > deadline:
            raise _timeout(what, seconds, seen)
        time.sleep(0.02)
    return seen


def _timeout(what: str, seconds: float, *seen: object) -> AssertionError:
    last = "".join(f"; last seen: {value!r}" for value in seen)
    return AssertionError(f"waited {seconds:g} s for {what}{last}")
