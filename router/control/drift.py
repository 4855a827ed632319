"""Is traffic still what the difficulty model was trained on, and is the model still right?

Bands are tenths of the training prompts, so without drift each holds a tenth of the traffic. How far it is from that
is the population stability index, sum((p - q) log(p / q)), less what chance alone makes of it; above 0.25 is commonly
taken for a shift. *Novelty* is the share of requests that start at the last tier because nothing like them was trained
on. *Calibration* is the mean loss seen less the loss that the model expects in the same bands.
"""

from typing import Final

from router.arrays import Vector, np
from router.control.labels import BANDS, Labels
from router.control.scale import Scale

__all__ = ["ENOUGH", "calibration_gap", "shifted", "stability"]

ENOUGH: Final = 500.0
"""Requests from which a mixture of bands is worth comparing."""
_LIMITS: Final = {"difficulty": (0.25, 0.1), "novelty": (0.05, 0.025), "calibration": (0.1, 0.05)}
"""From where on a value is a drift, and below what it is calm again."""


def stability(counts: Vector, reference: Vector) -> float:
    """Return the population stability index of bands, at least 0.

    Args:
        counts: requests in each band.
        reference: the share that each band should have.
    """
    total = float(counts.sum())
    share = (counts + 0.5) / (total + 0.5 * BANDS)
    expected = np.maximum(reference, 0.5 / max(total, 1.0))
    index = float(((share - expected) * np.log(share / expected)).sum())
    return max(0.0, index - (BANDS - 1) / max(total, 1.0))


def calibration_gap(labels: Labels, scale: Scale) -> float | None:
    """Return by how much more is lost than the model expects; None without evidence."""
    loss, gain = labels.sums("loss"), labels.sums("gain")
    counts = loss.count
    if not counts.any():
        return None
    return float(counts @ (loss.mean - gain.mean - scale.level()) / counts.sum())


def shifted(kind: str, value: float, *, before: bool) -> bool:
    """Whether a value is a drift; once it is one, it stays one until it is calm again."""
    high, calm = _LIMITS[kind]
    return value > (calm if before else high)
