"""Which share of the training prompts' difficulties lies below a threshold, and below which threshold a share does."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

from router.difficulty.estimate import BANDS

QUANTILES: Final = 101
"""How finely the training prompts' difficulties are remembered: per cent."""


def edges_of(quantiles: tuple[float, ...]) -> tuple[float, ...]:
    """Return the nine deciles among per cents."""
    step = (QUANTILES - 1) // BANDS
    return quantiles[step : QUANTILES - 1 : step]


def threshold_of(share: float, quantiles: Sequence[float]) -> float:
    """Return the threshold that about `share` of the difficulties with these quantiles lie below; 0 for none of them.

    Where many of them are equal a threshold takes all or none; it is the one that comes nearer.
    """
    if share <= 0:
        return 0.0
    without = _at(share, quantiles)
    included = math.nextafter(without, math.inf)
    return min((without, included), key=lambda threshold: abs(share_of(threshold, quantiles) - share))


def share_of(threshold: float, quantiles: Sequence[float]) -> float:
    """Return the share of the difficulties with these quantiles that lie below `threshold`."""
    return bisect_left(quantiles, threshold) / QUANTILES


def _at(share: float, quantiles: Sequence[float]) -> float:
    """The difficulty that so many lie below, between the per cents that are known by a straight line."""
    place = min(share, 1.0) * (QUANTILES - 1)
    below = min(int(place), QUANTILES - 2)
    low, high = quantiles[below], quantiles[below + 1]
    return low + (place - below) * (high - low)
