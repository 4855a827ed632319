"""What control's tests begin with: a route, a difficulty model, and windows that a line of code can change."""

import numpy as np

from router.arrays import Vector
from router.control import BANDS, LAST, LOW, MEASURES, Aims, Floor, Ground, Labels, Memory, Scale, Window

EVEN = tuple(step / 100 for step in range(101))
"""Difficulties spread evenly: a threshold is the share of the training prompts below it."""
SCALE = Scale.of(EVEN, (0.0, 0.95))
FLOOR = Floor(0.95, 0.95)
EDGES = np.array([0.5, 1.0, 2.0, 4.0])
WINDOW = 900.0


def ground(aims: Aims | None = None, bound: float | None = None, step: float = 0.05) -> Ground:
    return Ground(SCALE, aims or Aims(floor=FLOOR), bound, step=step)


def pairs(each: float, loss: float, gain: float = 0.0, good: float = 0.9, weight: float = 1.0) -> Labels:
    """So many pairs in each band, this share of them worse, or better, than the last tier's answers."""
    table = np.zeros((len(MEASURES), 4, BANDS))
    for name, hits in (("loss", loss), ("gain", gain), ("low", good - loss + gain), ("last", good)):
        sums = [weight * each, weight**2 * each, weight * each * hits, weight**2 * each * hits]
        table[MEASURES.index(name)] = np.repeat(np.array(sums)[:, None], BANDS, axis=1)
    return Labels(table)


def only(measure: str, each: float, mean: float) -> Labels:
    """Labels of one measure alone."""
    table = np.zeros((len(MEASURES), 4, BANDS))
    table[MEASURES.index(measure)] = np.repeat(np.array([each, each, each * mean, each * mean])[:, None], BANDS, axis=1)
    return Labels(table)


def window(
    threshold: float = 0.3,
    labels: Labels | None = None,
    *,
    each: float = 100.0,
    prices: tuple[float, float] = (0.001, 0.01),
    number: int = 1,
    slow: tuple[Vector, Vector] | None = None,
) -> Window:
    """So many requests in each band, started as a threshold has it; fast ones, unless told."""
    below = SCALE.split(threshold)
    requests = np.stack([each * below, each * (1 - below)])
    first, last = slow or (np.array([1.0, 0, 0, 0, 0]), np.array([1.0, 0, 0, 0, 0]))
    return Window(
        until=number * WINDOW,
        seconds=WINDOW,
        requests=requests,
        cost=requests * np.array(prices)[:, None],
        waited=requests * 0.4,
        slow=np.stack([requests[LOW].sum() * first, requests[LAST].sum() * last]),
        edges=EDGES,
        escalated=np.zeros(BANDS),
        labels=labels or Labels.none(),
    )


def start() -> Memory:
    return Memory.new(0.0)
