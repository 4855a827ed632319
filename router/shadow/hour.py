"""What may be spent in any hour, kept even while calls are under way whose price nobody knows yet."""

from collections import deque
from typing import Final

__all__ = ["Hour"]

_HOUR: Final = 3600.0
_SLOT: Final = 60.0
"""Seconds whose spending is kept as one sum, so that an hour is 60 numbers however much happens in it."""


class Hour:
    """Dollars of the past hour. What a call may cost at most is held back until it is known what it did cost."""

    __slots__ = ("_held", "_slots", "_spent", "most")

    def __init__(self, most: float) -> None:
        self.most = most
        """US dollars that any 60 minutes may cost."""
        self._slots: deque[tuple[float, float]] = deque()
        self._spent = 0.0
        self._held = 0.0

    def reserve(self, usd: float, now: float) -> bool:
        """Hold an amount back; False, and nothing is held, when less than that is left."""
        self._forget(now)
        if self._spent + self._held + usd > self.most:
            return False
        self._held += usd
        return True

    def settle(self, held: float, spent: float, now: float) -> None:
        """Let go of what was held back, and count what was spent."""
        self._held = max(0.0, self._held - held)
        if spent <= 0:
            return
        if self._slots and now - self._slots[-1][0] < _SLOT:
            since, before = self._slots.pop()
            self._slots.append((since, before + spent))
        else:
            self._slots.append((now, spent))
        self._spent += spent

    def left(self, now: float) -> float:
        """What could be held back now."""
        self._forget(now)
        return max(0.0, self.most - self._spent - self._held)

    def _forget(self, now: float) -> None:
        """A sum is forgotten when the youngest of it is an hour old."""
        while self._slots and now - self._slots[0][0] >= _HOUR + _SLOT:
            self._slots.popleft()
            self._spent = sum(spent for _, spent in self._slots)
