"""The queue for the engine's slots."""

import asyncio

import pytest
from llm_runtime.slots import Slots


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


async def queue_up(slots: Slots, count: int, order: list[int]) -> list[asyncio.Task[None]]:
    async def take(number: int) -> None:
        await slots.take()
        order.append(number)

    tasks = [asyncio.create_task(take(number)) for number in range(count)]
    await settle()
    return tasks


async def test_slots_are_granted_in_order_of_arrival() -> None:
    slots, order = Slots(1), list[int]()
    tasks = await queue_up(slots, 4, order)
    assert (order, slots.taken, slots.waiting) == ([0], 1, 3)
    for _ in range(3):
        slots.free()
        await settle()
    assert (order, slots.taken, slots.waiting) == ([0, 1, 2, 3], 1, 0)
    assert all(task.done() for task in tasks)


async def test_a_waiter_that_is_cancelled_leaves_the_queue() -> None:
    slots, order = Slots(1), list[int]()
    tasks = await queue_up(slots, 3, order)
    tasks[1].cancel()
    await settle()
    assert slots.waiting == 1
    slots.free()
    await settle()
    assert (order, slots.taken) == ([0, 2], 1)


@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_a_slot_granted_to_a_waiter_cancelled_at_that_moment_goes_to_the_next(
    cancelled_first: bool,
) -> None:
    slots, order = Slots(1), list[int]()
    tasks = await queue_up(slots, 3, order)
    if cancelled_first:
        tasks[1].cancel()
    slots.free()
    if not cancelled_first:
        tasks[1].cancel()
    await settle()
    assert (order, slots.taken, slots.waiting) == ([0, 2], 1, 0)


async def test_more_slots_admit_waiters_and_fewer_revoke_none() -> None:
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
