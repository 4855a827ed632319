"""A timer that is set again for every request and hardly ever rings.

An event loop's own timers cost a microsecond or two to make and to cancel. This one stays where it is when it is moved
to a later moment, or is not wanted any more, and finds out when it is due.
"""

import asyncio
import math
from collections.abc import Callable

__all__ = ["Alarm"]


class Alarm:
    """Calls `ring` on the running loop, once it has been set and its time has come."""

    __slots__ = ("_at", "_due", "_handle", "_loop", "_ring")

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0  # when the loop looks
        self._at = math.inf  # when it has to ring

    def set(self, at: float) -> None:
        """Let it ring at this moment on the loop's clock, or never, and not when it was to ring before."""
        self._at = at
        if at == math.inf:
            return
        if self._handle is None:
            self._look_at(at)
        elif at < self._due:
            self._handle.cancel()
            self._look_at(at)

    def off(self) -> None:
        """Let it be silent until it is set again."""
        self._at = math.inf

    def stop(self) -> None:
        """Let it go: the loop does not know it any more, nor it whom it was to call."""
        self._at, self._ring = math.inf, _nobody
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _look_at(self, at: float) -> None:
        self._due = at
        self._handle = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        self._handle = None
        if self._at <= self._due:
            self._at = math.inf
            self._ring()
        elif self._at < math.inf:
            self._look_at(self._at)


def _nobody() -> None:
    pass
