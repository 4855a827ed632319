"""A timer that is moved: it rings when it was last told to, once, or not at all."""

import asyncio
import gc
import math
import weakref

from router.alarm import Alarm

SOON = 0.01


class Bell:
    """Hears an alarm, and when."""

    def __init__(self) -> None:
        self.rung = asyncio.Event()
        self.times: list[float] = []
        self.alarm = Alarm(self.ring)

    def ring(self) -> None:
        self.times.append(now())
        self.rung.set()


def now() -> float:
    return asyncio.get_running_loop().time()


async def after(seconds: float) -> None:
    """Wait on a timer of the loop's own."""
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await over.wait()


async def test_it_rings_once_at_its_time() -> None:
    bell = Bell()
    bell.alarm.set(at := now() + SOON)
    await bell.rung.wait()
    await after(2 * SOON)
    assert len(bell.times) == 1
    assert bell.times[0] >= at - 0.001


async def test_moved_to_a_later_moment_it_does_not_ring_at_the_one_before() -> None:
    bell = Bell()
    bell.alarm.set(now() + SOON)
    bell.alarm.set(at := now() + 4 * SOON)
    await bell.rung.wait()
    assert len(bell.times) == 1
    assert bell.times[0] >= at - 0.001


async def test_moved_to_an_earlier_moment_it_rings_then() -> None:
    bell = Bell()
    bell.alarm.set(now() + 60)
    bell.alarm.set(now() + SOON)
    async with asyncio.timeout(10):
        await bell.rung.wait()


async def test_silenced_or_set_to_never_it_says_nothing_and_can_be_set_again() -> None:
    silenced, never = Bell(), Bell()
    silenced.alarm.set(now() + SOON)
    silenced.alarm.off()
    never.alarm.set(math.inf)
    await after(3 * SOON)
    assert silenced.times == never.times == []
    silenced.alarm.set(now() + SOON)
    await silenced.rung.wait()


async def test_it_can_be_set_again_when_it_has_rung() -> None:
    bell = Bell()
    for _ in range(2):
        bell.alarm.set(now() + SOON)
        await bell.rung.wait()
        bell.rung.clear()
    assert len(bell.times) == 2


async def test_stopped_it_keeps_nobody_alive() -> None:
    bell = Bell()
    known = weakref.ref(bell)
    bell.alarm.set(now() + 60)
    bell.alarm.stop()
    del bell
    await after(0)
    gc.collect()
    assert known() is None
