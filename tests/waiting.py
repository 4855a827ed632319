"""Waiting for what others of the same loop do, without a sleep."""

import asyncio
from collections.abc import Callable

from anyio.lowlevel import checkpoint

__all__ = ["all_blocked", "until"]


async def all_blocked() -> None:
    """Let every other task go as far as it can by itself.

    It looks again with each turn of the loop. anyio's `wait_all_tasks_blocked` looks every 100 ms, which is how often a
    uvicorn beside it ticks: the two fall into step, and it finds that task awake for as long as anybody cares to wait.
    """
    await checkpoint()
    this = asyncio.current_task()
    while any(_awake(task) for task in asyncio.all_tasks() if task is not this):
        await checkpoint()


async def until(condition: Callable[[], object], within: float = 20.0) -> None:
    """Wait until this is true.

    Raises:
        TimeoutError: it was not within so many seconds.
    """
    async with asyncio.timeout(within):
        while not condition():
            await checkpoint()


def _awake(task: "asyncio.Task[object]") -> bool:
    waiter = task._fut_waiter  # type: ignore[attr-defined]  # as anyio looks at it
    return waiter is None or bool(waiter.done())
