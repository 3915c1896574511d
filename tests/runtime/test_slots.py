"""The queue for the engine's slots."""

import asyncio

import pytest
from llm_runtime.slots import Slots


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def queue_up(slots: Slots, count: int, order: list[int]) -> list[asyncio.Task[None]]:
    async def take(number: int) -> None:
        await slots.take()
        order.append(number)

    tasks = [asyncio.create_task(take(number)) for number in range(count)]
    await settle()
    return tasks


async def test_who_comes_first_is_served_first() -> None:
    slots, order = Slots(1), list[int]()
    tasks = await queue_up(slots, 4, order)
    assert (order, slots.taken, slots.waiting) == ([0], 1, 3)
    for _ in range(3):
        slots.free()
        await settle()
    assert (order, slots.taken, slots.waiting) == ([0, 1, 2, 3], 1, 0)
    await asyncio.gather(*tasks)


async def test_who_leaves_the_queue_frees_the_place_in_it() -> None:
    slots, order = Slots(1), list[int]()
    tasks = await queue_up(slots, 3, order)
    tasks[1].cancel()
    await settle()
    assert slots.waiting == 1
    slots.free()
    await settle()
    assert (order, slots.taken) == ([0, 2], 1)


@pytest.mark.parametrize("leaves_first", [True, False])
async def test_a_place_given_to_who_leaves_that_moment_goes_on(leaves_first: bool) -> None:
    slots, order = Slots(1), list[int]()
    tasks = await queue_up(slots, 3, order)
    if leaves_first:
        tasks[1].cancel()
    slots.free()
    if not leaves_first:
        tasks[1].cancel()
    await settle()
    assert (order, slots.taken, slots.waiting) == ([0, 2], 1, 0)


async def test_more_slots_let_waiters_in_and_fewer_take_none_away() -> None:
    slots, order = Slots(1), list[int]()
    await queue_up(slots, 5, order)
    slots.resize(3)
    await settle()
    assert (order, slots.taken, slots.waiting) == ([0, 1, 2], 3, 2)
    slots.resize(1)
    assert slots.taken == 3
    slots.free()
    slots.free()
    await settle()
    assert (slots.taken, slots.waiting) == (1, 2)
    slots.resize(2)
