import asyncio

import pytest

from tests.waiting import equals, until, until_sync, within


async def test_a_wait_returns_what_it_waited_for() -> None:
    numbers = iter(range(10))
    assert await until("a large number", lambda: next(numbers), lambda number: number > 3) == 4
    assert until_sync("a larger one", lambda: next(numbers), equals(7)) == 7


async def test_a_wait_that_fails_says_what_it_waited_for_and_what_it_saw_last() -> None:
    async def look() -> int:
        return 5

    expected = r"waited 0\.05 s for two clients; last seen: 5"
    with pytest.raises(AssertionError, match=expected):
        await until("two clients", look, equals(2), seconds=0.05)
    with pytest.raises(AssertionError, match=expected):
        until_sync("two clients", lambda: 5, equals(2), seconds=0.05)
    with pytest.raises(AssertionError, match=expected):
        await within("two clients", asyncio.Event().wait(), seconds=0.05, saw=lambda: 5)


async def test_a_look_that_hangs_is_bounded_too() -> None:
    with pytest.raises(AssertionError, match="for an event; last seen: None"):
        await until("an event", asyncio.Event().wait, seconds=0.05)


async def test_a_timeout_of_the_awaited_work_is_not_taken_for_the_waits_own() -> None:
    async def fails() -> None:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await within("an end", fails())
    with pytest.raises(TimeoutError, match="its own"):
        await until("an end", fails)
