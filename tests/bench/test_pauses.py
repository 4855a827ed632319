"""A loop that stands still is seen to, and so is the collector."""

import asyncio
import gc
import time

import anyio

from bench.pauses import Heart


def busy(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


async def test_a_beat_is_late_by_as_much_as_the_loop_was_held_up() -> None:
    heart = Heart()
    beating = asyncio.create_task(heart.beat())
    await anyio.lowlevel.checkpoint()
    busy(0.03)
    while not heart.delays:
        await anyio.lowlevel.checkpoint()
    beating.cancel()

    found = heart.told()
    assert found.late >= 25
    assert found.cpu >= 25
    assert heart.told().beats == 0


def test_the_collector_times_itself() -> None:
    heart = Heart()
    gc.callbacks.append(heart.collector)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(heart.collector)

    assert heart.told().collector > 0
