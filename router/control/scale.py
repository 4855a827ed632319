"""Thresholds and traffic: which part of every band starts at the first tier, for each threshold that may be chosen.

A band is a tenth of the training prompts by difficulty, so how they lie inside a band is known: a threshold inside a
band splits it in proportion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from router.arrays import Vector, np
from router.control.labels import BANDS

__all__ = ["Scale"]


@dataclass(frozen=True, slots=True)
class Scale:
    """The thresholds that may be chosen, lowest first, fixed before anything is measured."""

    quantiles: Vector
    """The training prompts' difficulties, by per cent."""
    edges: Vector
    """The share of the training prompts below each edge of a band, from 0 to 1: tenths, unless many are equal."""
    thresholds: Vector
    below: Vector
    """For each of them, the share of every band that lies below it."""

    @classmethod
    def of(cls, quantiles: Sequence[float], bounds: tuple[float, float]) -> Self:
        """Make the scale of a difficulty model for thresholds between two bounds, which count too."""
        known = np.asarray(quantiles, dtype=float)
        everything = np.nextafter(1.0, 2.0)
        steps = np.concatenate([known, np.nextafter(known, 2.0), bounds, [0.0, everything]])
        inside = np.unique(steps[(steps >= bounds[0]) & (steps <= bounds[1])])
        # Of thresholds that let the same requests start low, the lowest will do.
        shares = np.array([_share(known, each) for each in inside])
        kept = np.concatenate([[True], np.diff(shares) > 1e-9])
        chosen = inside[kept]
        edges = _edges(known)
        return cls(known, edges, chosen, np.array([_split(edges, each) for each in shares[kept]]))

    def split(self, threshold: float) -> Vector:
        """Return the share of every band that lies below any threshold."""
        return _split(self.edges, _share(self.quantiles, threshold))

    def sizes(self) -> Vector:
        """Return the share of the training prompts in each band."""
        return np.diff(self.edges)

    def level(self) -> Vector:
        """Return the mean difficulty of each band: the loss that the model expects there."""
        inside = self.quantiles[:-1].reshape(BANDS, -1)
        level: Vector = inside.mean(axis=1)
        return level


def _share(quantiles: Vector, threshold: float) -> float:
    """Return the share of the training prompts below a threshold, on straight lines between the per cents."""
    above = int(np.searchsorted(quantiles, threshold, side="left"))
    if above in {0, len(quantiles)}:
        return float(above > 0)
    low, high = float(quantiles[above - 1]), float(quantiles[above])
    return (above - 1 + (threshold - low) / (high - low)) / (len(quantiles) - 1)


def _edges(quantiles: Vector) -> Vector:
    step = (len(quantiles) - 1) // BANDS
    edges = quantiles[step : len(quantiles) - 1 : step]
    return np.array([0.0, *(_share(quantiles, float(edge)) for edge in edges), 1.0])


def _split(shares: Vector, here: float) -> Vector:
    """Return which part of every band lies below this share of the training prompts."""
    sizes = np.diff(shares)
    reached = ((shares[1:] <= here) & (here > 0)).astype(
        float
    )  # of a band that no training prompt is in: all or nothing
    split: Vector = np.where(
        sizes > 0, np.clip((here - shares[:-1]) / np.where(sizes > 0, sizes, 1.0), 0.0, 1.0), reached
    )
    return split
