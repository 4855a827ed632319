"""What tests wait with."""

import asyncio

import pytest

from tests.waiting import all_blocked, until

TICK = 0.1
"""Of uvicorn's main loop, and of anyio's look at tasks."""


async def test_a_task_that_ticks_all_the_time_is_not_waited_for() -> None:
    loop = asyncio.get_running_loop()
    begins = asyncio.Event()

    async def tick() -> None:
        await begins.wait()
        while True:
            awake = loop.create_future()
            loop.call_later(TICK, awake.set_result, None)
            await awake

    ticking = asyncio.create_task(tick())
    await all_blocked()
    loop.call_soon(begins.set)  # it awakes in the turn of the first look: who looks again after a tick finds it awake
    async with asyncio.timeout(10):
        await all_blocked()
    ticking.cancel()


async def test_others_go_as_far_as_they_can() -> None:
    far: list[str] = []
    ever = asyncio.Event()

    async def one() -> None:
        for step in "abc":
            await asyncio.create_task(other(step))
        await ever.wait()
        far.append("d")

    async def other(step: str) -> None:
        far.append(step)

    going = asyncio.create_task(one())
    await all_blocked()
    assert far == ["a", "b", "c"]
    ever.set()
    await going


async def test_what_never_comes_true_is_not_waited_for_for_ever() -> None:
    with pytest.raises(TimeoutError):
        await until(lambda: False, within=0)
