"""How good is an ordering of requests by difficulty, and how true are its probabilities?

RouteLLM's definitions (arXiv 2406.18665): send the most difficult share c to the last tier; the performance gap
recovered, PGR(c), is the gain over the first tier alone, as a share of the last tier's gain over it. APGR is its mean
over c, CPT(x) the smallest c that recovers x. Requests of equal difficulty are taken in random order, in expectation.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.floating]

_BINS: Final = 10


def recovered(difficulty: Vector, first: Vector, last: Vector) -> Vector:
    """Return PGR at 0, 1, … n requests sent up, hardest first. NaN when the last tier gains nothing."""
    order = np.argsort(-difficulty, kind="stable")
    _, group, sizes = np.unique(-difficulty[order], return_inverse=True, return_counts=True)
    gains = (np.bincount(group, (last - first)[order]) / sizes)[group]
    total = float((last - first).sum())
    if total <= 0:
        return np.full(len(difficulty) + 1, np.nan)
    return np.concatenate(([0.0], np.cumsum(gains) / total))


def apgr(difficulty: Vector, first: Vector, last: Vector) -> float:
    """Return the area under PGR: 0.5 is chance."""
    curve = recovered(difficulty, first, last)
    return float((curve[1:] + curve[:-1]).mean() / 2)


def cpt(difficulty: Vector, first: Vector, last: Vector, share: float) -> float:
    """Return the smallest share of calls to the last tier that recovers `share` of the gap."""
    curve = recovered(difficulty, first, last)
    if np.isnan(curve).any():
        return float("nan")
    return float(np.argmax(curve >= share - 1e-12) / (len(curve) - 1))


def auc(difficulty: Vector, first: Vector) -> float:
    """Return how often a request that the first tier got wrong is held more difficult than one it got right.

    A half-right answer is half of a right one and half of a wrong one.
    """
    _, group = np.unique(difficulty, return_inverse=True)
    right = np.bincount(group, first)
    easier = np.cumsum(right) - right / 2
    pairs = first.sum() * (1 - first).sum()
    return float(((1 - first) * easier[group]).sum() / pairs) if pairs > 0 else float("nan")


def reliability(p_good: Vector, score: Vector) -> list[dict[str, float]]:
    """Return, per tenth of the requests by stated probability, what was stated and what came true."""
    order = np.argsort(p_good, kind="stable")
    parts = [part for part in np.array_split(order, _BINS) if len(part)]
    return [{"n": len(part), "stated": float(p_good[part].mean()), "true": float(score[part].mean())} for part in parts]


def ece(p_good: Vector, score: Vector) -> float:
    """Return the expected calibration error over ten bins of equal size."""
    table = reliability(p_good, score)
    return float(sum(row["n"] * abs(row["stated"] - row["true"]) for row in table) / len(p_good))


def ece_when_perfect(p_good: Vector, seed: int, times: int = 200) -> float:
    """Return the 95th percentile of the error a perfectly calibrated model would show on a sample like this."""
    draw = np.random.default_rng(seed)
    return float(np.quantile([ece(p_good, (draw.random(len(p_good)) < p_good) * 1.0) for _ in range(times)], 0.95))


def interval(
    measure: Callable[[NDArray[np.int64]], float], n: int, *, seed: int, times: int = 200
) -> tuple[float, float] | None:
    """Return the middle 95 % of a measure over bootstrap samples of row numbers; None when it is not defined."""
    draw = np.random.default_rng(seed)
    values = [measure(draw.integers(0, n, n)) for _ in range(times)]
    low, high = np.nanquantile(values, (0.025, 0.975)) if not np.isnan(values).all() else (np.nan, np.nan)
    return None if np.isnan(low) else (float(low), float(high))
