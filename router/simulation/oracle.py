"""The best that anybody could do who knows when and how the world changed, but of answers only what was judged of them.

It is not control's code, and no chance is in it: expected numbers of labels, and the normal distribution, with which
no method that is wrong as seldom does better. What control falls short of it is its own; the rest is the evidence's.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from router.simulation.scenarios import Scenario
from router.simulation.world import PER_CENTS, Vector, World

__all__ = ["Oracle", "best_share", "oracle", "seen"]

PROVEN: Final = 1.645
"""Standard errors that a bound lies from its estimate at least, if it may be wrong once in twenty."""
BROKEN: Final = 4.29
"""The same for what cries wolf once in ten thousand windows however often one looks, as control's bet does: the
square root of 2 log(10,000)."""
SHIFTED: Final = 3.09
"""The same for what is known of answers, and traffic that changes: once in a thousand, as in control."""
_STEP: Final = 0.05
_HOLDS: Final = -1e-9
_LATE: Final = 0.05
_REACH: Final = 150
"""Windows that it looks back at most."""


@dataclass(frozen=True, slots=True)
class Oracle:
    """How soon it has the floor hold again, and stay; None when it never does."""

    windows: int | None
    labels: float
    """Judged until then."""


def seen(world: World) -> World:
    """Return the world as labels show it: where there is mere agreement, every disagreement may be a loss."""
    if world.agreement is None:
        return world
    apart = world.loss + world.gain + (1 - world.loss - world.gain) * world.agreement
    return world.change(loss=apart, gain=np.zeros(PER_CENTS))


def best_share(scenario: Scenario, world: World, labels: float = float("inf"), z: float = PROVEN) -> float:
    """Return the largest share that keeps the aims in this world, as far as so many labels could prove at all.

    Where each request has one answer judged, nothing above the share where it began can be proven: nobody has seen
    there what the first tier would say. What could be proven is where the floor would be kept even if the estimate of
    the loss was off by `z` standard errors of so many labels, spread as the traffic below the threshold is. Without a
    floor, or where the first tier is the dearer one, nothing should start there.
    """
    if scenario.aims.floor is None:
        return 0.0
    floor, kept = scenario.aims.floor.min, [0.0]
    for share in np.arange(1, PER_CENTS + 1) / PER_CENTS:
        low = _low(share) * world.mix
        part = float(low.sum())
        squares = float(low @ (world.loss + world.gain)) / part
        error = z * part * float(np.sqrt(squares / labels)) if labels > 0 else float("inf")
        if world.margin(float(share), floor) - error < 0:
            break
        if scenario.aims.latency is None or world.late(float(share), scenario.aims.latency) <= _LATE:
            kept.append(float(share))
    if not world.paired and labels < float("inf"):
        kept = [share for share in kept if share <= scenario.share]
    return min((world.cost(share), -share) for share in kept)[1] * -1


def oracle(scenario: Scenario, share: float) -> Oracle:
    """Let it steer from the moment of the change on, beginning at a share; moves are as large as control's."""
    assert scenario.aims.floor is not None  # noqa: S101  whoever asks has looked
    floor, worlds = scenario.aims.floor.min, list[World]()
    held, labels, suspect = list[bool](), list[float](), 0
    for number in range(scenario.windows):
        world = scenario.after(scenario.world, number)
        worlds.append(world)
        held.append(world.margin(share, floor) >= _HOLDS)
        labels.append(_judged(world, share) if number >= scenario.delay else 0.0)
        known = worlds[max(0, len(worlds) - scenario.delay - _REACH) : max(0, len(worlds) - scenario.delay)]
        looks = _looks(scenario.world, known, share, floor)
        if looks and (worst := min(looks, key=lambda look: look.at_most)).at_most < 0:
            suspect = worst.windows  # of these it is proven
        if suspect:  # and those since then are known to be of the same kind
            holding = (each for each in np.arange(PER_CENTS, -1, -1) / PER_CENTS if each <= share)
            likely = (float(each) for each in holding if _likely(scenario.world, known[-suspect:], each, floor))
            after = max(next(likely, 0.0), share - _STEP)
            suspect = 0 if after == share else suspect + 1
            share = after
    if not held[-1]:
        return Oracle(None, float(sum(labels)))
    windows = len(held) - next((count for count, holds in enumerate(reversed(held)) if not holds), len(held))
    return Oracle(windows, float(sum(labels[:windows])))


@dataclass(frozen=True, slots=True)
class _Look:
    """What the last so many windows say."""

    windows: int
    margin: float
    error: float
    surely: float
    """Standard errors that prove something."""

    @property
    def at_most(self) -> float:
        """The margin is surely below."""
        return self.margin + self.surely * self.error


def _looks(before: World, known: list[World], share: float, floor: float) -> list[_Look]:
    """What the last window says, the last two, and so on."""
    margins = np.cumsum([each.margin(share, floor) for each in reversed(known)])
    errors = np.cumsum([_variance(before, each, share) for each in reversed(known)])
    surely = SHIFTED if known and np.array_equal(known[-1].loss, before.loss) else BROKEN
    return [
        _Look(count, float(margin) / count, float(np.sqrt(error)) / count, surely)
        for count, (margin, error) in enumerate(zip(margins, errors, strict=True), 1)
    ]


def _likely(before: World, known: list[World], share: float, floor: float) -> bool:
    look = _looks(before, known, share, floor)[-1]
    return look.margin - PROVEN * look.error >= 0


def _variance(before: World, world: World, share: float) -> float:
    """The squared standard error of a window's margin. Where only traffic changed, answers are known from before."""
    low = _low(share)
    if np.array_equal(world.loss, before.loss):
        apart = low * (world.gain - world.loss)
        return float(world.mix @ np.square(apart) - (world.mix @ apart) ** 2) / world.requests
    rate = world.asked[0] * (1 - world.lost)
    return float((world.mix * low) @ (world.loss + world.gain)) / (world.requests * rate)


def _judged(world: World, share: float) -> float:
    low = float(world.mix @ _low(share))
    return world.requests * (1 - world.lost) * (low * world.asked[0] + (1 - low) * world.asked[1])


def _low(share: float) -> Vector:
    part: Vector = np.clip(share * PER_CENTS - np.arange(PER_CENTS), 0.0, 1.0)
    return part
