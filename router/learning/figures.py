"""The figures that a model is judged by, always beside chance, prompt length and the best that was possible."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router import signals
from router.learning import metrics
from router.learning.data import Row

Matrix = NDArray[np.float64]

DIGITS: Final = 4


def held_out(rows: Sequence[Row], p_good: Matrix, labels: Matrix, tiers: Sequence[str], *, seed: int) -> dict[str, Any]:
    """Return what held-out probabilities are worth. Rows without an outcome of the first or last tier are left out."""
    both = ~(np.isnan(labels[:, 0]) | np.isnan(labels[:, -1]))
    kept = [row for row, known in zip(rows, both.tolist(), strict=True) if known]
    p_good, labels = p_good[both], labels[both]
    first, last = labels[:, 0], labels[:, -1]
    difficulty = np.maximum(0, p_good[:, -1] - p_good[:, 0])
    length = np.array([float(len(signals.subject(row.request))) for row in kept])
    n = len(kept)
    found: dict[str, Any] = {
        "n": n,
        "apgr": metrics.apgr(difficulty, first, last),
        "cpt50": metrics.cpt(difficulty, first, last, 0.5),
        "cpt80": metrics.cpt(difficulty, first, last, 0.8),
        "auc": metrics.auc(difficulty, first),
        "ece": max(metrics.ece(p_good[:, t], labels[:, t]) for t in (0, -1)),
        "ece_when_perfect": max(metrics.ece_when_perfect(p_good[:, t], seed) for t in (0, -1)),
        "mean_score": {tier: float(np.nanmean(labels[:, t])) for t, tier in enumerate(tiers)},
        "baselines": {
            "random": 0.5,
            "length": metrics.apgr(length, first, last),
            "oracle": metrics.apgr(last - first, first, last),
        },
        "intervals": {
            "apgr": metrics.interval(lambda i: metrics.apgr(difficulty[i], first[i], last[i]), n, seed=seed),
            "cpt50": metrics.interval(lambda i: metrics.cpt(difficulty[i], first[i], last[i], 0.5), n, seed=seed),
            "cpt80": metrics.interval(lambda i: metrics.cpt(difficulty[i], first[i], last[i], 0.8), n, seed=seed),
            "auc": metrics.interval(lambda i: metrics.auc(difficulty[i], first[i]), n, seed=seed),
            "apgr_beyond_length": metrics.interval(
                lambda i: metrics.apgr(difficulty[i], first[i], last[i]) - metrics.apgr(length[i], first[i], last[i]),
                n,
                seed=seed,
            ),
        },
    }
    found["verdict"] = verdict(found)
    return dict(rounded(found))


def verdict(found: dict[str, Any]) -> str:
    """Say in a sentence what the figures allow to say."""
    apgr, length = found["apgr"], found["baselines"]["length"]
    if np.isnan(apgr):
        return "the last tier is not better than the first here: send everything to the first"
    beyond, interval = found["intervals"]["apgr_beyond_length"], found["intervals"]["apgr"]
    if interval[0] <= 0.5:
        return "no better than chance, as far as this many outcomes can tell"
    if apgr <= length:
        return "no better than prompt length"
    if beyond[0] <= 0:
        return "better than chance; better than prompt length, but not surely"
    return "better than prompt length"


def rounded(value: Any) -> Any:
    """Return figures to four digits, and None for what is not defined: JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, DIGITS)
    return value
