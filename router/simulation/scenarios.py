"""What happens to a world: one story each, with what control is asked to hold in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from router.control import Aims, Floor
from router.simulation.world import PER_CENTS, World

__all__ = ["DAY", "SCENARIOS", "Scenario"]

DAY: Final = 96
"""Windows."""
_FLOOR: Final = Floor(0.95, 0.95)
_MIDDLE: Final = (np.arange(PER_CENTS) + 0.5) / PER_CENTS


def _same(world: World, _windows: int) -> World:
    return world


def _always(_number: int) -> float:
    return 1.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One story: a world, what becomes of it after a while, and what is aimed for."""

    told: str
    """In one sentence."""
    world: World = field(default_factory=World)
    after: Callable[[World, int], World] = _same
    """The world, so many windows after it changed."""
    aims: Aims = field(default_factory=lambda: Aims(floor=_FLOOR))
    share: float = 0.0
    """Of the training prompts that start low at first."""
    calm: int = 120
    """Windows before anything changes."""
    windows: int = 240
    """Windows after that."""
    season: Callable[[int], float] = _always
    """How much traffic there is in a window, compared to the usual."""
    delay: int = 0
    """Windows until labels come."""
    lasting: int = 0
    """Windows in which the world goes on changing."""


def _harder(world: World, _windows: int) -> World:
    tilted = (0.1 + 1.8 * _MIDDLE) * world.mix
    return world.change(mix=tilted / tilted.sum())


def _worse(world: World, _windows: int) -> World:
    return world.change(loss=np.minimum(world.loss * 1.5 + 0.05, 0.9))


def _slowly_worse(world: World, windows: int) -> World:
    part = min(windows / DAY, 1.0)
    return world.change(loss=np.minimum(world.loss * (1 + 0.5 * part) + 0.05 * part, 0.9))


def _slightly(world: World, _windows: int) -> World:
    return world.change(loss=np.minimum(world.loss * 1.1 + 0.01, 0.9))


def _slowly_harder(world: World, windows: int) -> World:
    steep = 1.2 * min(windows / DAY, 1.0)
    tilted = (1 - steep / 2 + steep * _MIDDLE) * world.mix
    return world.change(mix=tilted / tilted.sum())


def _dearer(world: World, _windows: int) -> World:
    return world.change(price=(0.008, 0.006))


def _slow(world: World, _windows: int) -> World:
    return world.change(speed=(2.5, 1.1))


def _crowded(world: World, _windows: int) -> World:
    return world.change(capacity=500.0)


def _down(world: World, windows: int) -> World:
    return world.change(down=0.9) if windows < 12 else world


def _weekly(number: int) -> float:
    day, hour = number // DAY % 7, number % DAY / DAY
    return (0.35 if day > 4 else 1.0) * float(1 + 0.8 * np.sin(2 * np.pi * (hour - 0.3)))


def _weekend(world: World, windows: int) -> World:
    """Weekends have an easier mix of requests."""
    if (windows // DAY) % 7 < 5:
        return world
    tilted = (1.25 - 0.5 * _MIDDLE) * world.mix
    return world.change(mix=tilted / tilted.sum())


_LATENCY: Final = Aims(floor=_FLOOR, latency=4.0)

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "stationary": Scenario(
        "Nothing changes: the threshold rises as far as the evidence proves, and stays.", windows=880
    ),
    "harder-mix": Scenario("Traffic becomes harder from one window to the next.", after=_harder),
    "degraded": Scenario("The small model becomes worse from one window to the next.", after=_worse),
    "degrading": Scenario("The small model becomes worse over a day.", after=_slowly_worse, windows=480, lasting=DAY),
    "slightly": Scenario("The small model becomes a little worse.", after=_slightly, windows=480),
    "harder-slowly": Scenario("Traffic becomes harder over a day.", after=_slowly_harder, windows=480, lasting=DAY),
    "price": Scenario("The small model becomes the dearer one.", after=_dearer),
    "slow": Scenario("The small model becomes five times slower.", after=_slow, aims=_LATENCY),
    "saturated": Scenario("The small model has room for less than what starts there.", after=_crowded, aims=_LATENCY),
    "outage": Scenario("The small model is down for three hours.", after=_down),
    "weekly": Scenario(
        "Days and nights, and weekends with less and easier traffic.", after=_weekend, season=_weekly, windows=14 * DAY
    ),
    "sparse": Scenario(
        "200 requests an hour; the small model becomes worse.",
        world=World(requests=50.0, asked=(0.5, 0.25)),
        after=_worse,
        calm=960,
        windows=960,
    ),
    "late-labels": Scenario(
        "Labels come three hours late, and a third of them never.", World(lost=0.33), _worse, delay=12
    ),
    "single": Scenario(
        "Only the answers that were served are judged.", World(paired=False, asked=(0.35, 0.35)), _worse, share=0.5
    ),
    "biased-agreement": Scenario(
        "There are no judgements, only agreement, which cries wolf at one in fifty.", World(agreement=0.02), share=0.2
    ),
    "cannot": Scenario(
        "Cost and quality cannot both be met: quality wins, and it is said.",
        aims=Aims(floor=_FLOOR, cost=0.001),
        windows=120,
    ),
}
"""Every story, by name."""
