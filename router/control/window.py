"""What was measured in one window of a route's traffic, by start tier and band."""

from dataclasses import dataclass
from typing import Final

from router.arrays import Vector, np
from router.control.labels import BANDS, Labels

__all__ = ["LAST", "LOW", "Window"]

LOW: Final = 0
"""Requests that started at the first tier."""
LAST: Final = 1
"""Requests that started at any other."""
_DISTURBED: Final = 0.05


@dataclass(frozen=True, slots=True)
class Window:
    """One window. Arrays of (start, band), unless said otherwise."""

    until: float
    """Seconds since 1970."""
    seconds: float
    requests: Vector
    cost: Vector
    """US dollars."""
    waited: Vector
    """The sum of seconds that requests took."""
    slow: Vector
    """Requests by start and bucket of seconds; one bucket more than there are edges."""
    edges: Vector
    escalated: Vector
    """By band: the first tier's answers that were not good enough."""
    labels: Labels
    spilled: float = 0.0
    """Requests that started at the first tier and were answered by another because deployments failed or were full."""
    failed: float = 0.0
    """Requests that were not answered."""
    novel: float = 0.0
    gap: str = ""
    """Why this cannot be relied on: a restart, a gap between scrapes; empty when it can."""

    @property
    def total(self) -> float:
        """All requests."""
        return float(self.requests.sum())

    @property
    def disturbed(self) -> bool:
        """Whether so many answers failed, or spilled from a full deployment, that cost and latency are not usual."""
        low = float(self.requests[LOW].sum())
        return self.failed > _DISTURBED * max(self.total, 1.0) or self.spilled > _DISTURBED * max(low, 1.0)

    @property
    def fault(self) -> str:
        """Why no move can follow from this window; empty when one can."""
        numbers = (self.requests, self.cost, self.waited, self.slow, self.escalated, self.labels.table)
        if any(not np.isfinite(each).all() or (each < 0).any() for each in numbers):
            return "some measurements are not numbers"
        if self.gap:
            return self.gap
        return "" if self.total else "no requests in this window"

    @classmethod
    def empty(cls, until: float, seconds: float, gap: str = "") -> "Window":
        """Return a window in which nothing was seen."""
        none, edges = np.zeros((2, BANDS)), np.zeros(1)
        return cls(until, seconds, none, none, none, np.zeros((2, 2)), edges, np.zeros(BANDS), Labels.none(), gap=gap)
