"""What control judges by: a route's aims, how far it may go at once, and what it may choose from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from router.control.floor import Floor
from router.control.scale import Scale

__all__ = ["AIMS", "Aim", "Aims", "Cause", "Ground", "Judgement", "Move"]

Cause = Literal["quality", "latency", "escalations", "cost", "cheaper"]
"""Why a threshold moves: an aim is missed, or all hold and another threshold is cheaper."""
AIMS = ("quality", "latency_p95_seconds", "escalation_rate", "cost_per_request_usd")


@dataclass(frozen=True, slots=True)
class Aims:
    """A route's objectives; None where there is none."""

    floor: Floor | None = None
    latency: float | None = None
    """Seconds that nineteen of twenty requests take at most."""
    cost: float | None = None
    """US dollars a request."""
    escalations: float | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """One route."""

    scale: Scale
    aims: Aims
    bound: float | None = None
    """The calibration's threshold, which control never passes; None without one."""
    window: float = 900.0
    evidence: float = 7 * 86400.0
    step: float = 0.05
    """The share of traffic that one move may change the start of."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One objective against what was measured."""

    name: str
    limit: float
    measured: float | None
    violated: bool


@dataclass(frozen=True, slots=True)
class Move:
    """A threshold's way from here to there, and the numbers that led to it."""

    before: float
    after: float
    cause: Cause
    told: str
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def towards_last(self) -> bool:
        """Whether fewer requests start at the first tier from now on."""
        return self.after < self.before


@dataclass(frozen=True, slots=True)
class Judgement:
    """What one window led to, besides the memory of it."""

    move: Move | None
    told: str
    """Why it moves, or why not."""
    aims: tuple[Aim, ...] = ()
    numbers: Mapping[str, float] = field(default_factory=dict)
    """`labels`, `proven` (the highest threshold that evidence supports), `share` of traffic that starts low, …"""
    drift: Mapping[str, float] = field(default_factory=dict)
    alerts: tuple[str, ...] = ()
    """What made the evidence so far worthless, in words."""
