"""How good is a model on outcomes it has not seen?"""

from collections import defaultdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router import signals
from router.learning import figures, metrics
from router.learning.score import Judged

_POINTS: Final = 21  # Of the curve: every five per cent.
_SMALLEST_TASK: Final = 20  # Rows; of fewer nothing can be said.
_MISSES: Final = 5
_EXCERPT: Final = 80


def evaluate(seen: Judged, tiers: tuple[str, ...], *, seed: int = 0) -> dict[str, Any]:
    """Return everything `smallfirst eval` tells, ready for JSON."""
    found = figures.held_out(seen.rows, seen.p_good, seen.scores, tiers, seed=seed)
    first, last = seen.scores[:, 0], seen.scores[:, -1]
    length = np.array([float(len(signals.subject(row.request))) for row in seen.rows])
    found["curve"] = {
        "share_to_last": [round(point / (_POINTS - 1), 2) for point in range(_POINTS)],
        "random": _quality(np.zeros(len(first)), first, last),
        "length": _quality(length, first, last),
        "model": _quality(seen.difficulty, first, last),
        "oracle": _quality(last - first, first, last),
    }
    found["reliability"] = {
        tier: metrics.reliability(seen.p_good[:, place], seen.scores[:, place])
        for place, tier in enumerate(tiers)
        if not np.isnan(seen.scores[:, place]).any()
    }
    found["tasks"] = _tasks(seen)
    found["near_misses"] = _near_misses(seen)
    found["novel_share"] = _novel(seen)
    return dict(figures.rounded(found))


def _quality(difficulty: NDArray[np.float64], first: NDArray[np.float64], last: NDArray[np.float64]) -> list[float]:
    """Return the mean score served when 0 %, 5 %, … of requests go to the last tier, hardest first."""
    order = np.argsort(-difficulty, kind="stable")
    _, group, sizes = np.unique(-difficulty[order], return_inverse=True, return_counts=True)
    gains = np.concatenate(([0.0], np.cumsum((np.bincount(group, (last - first)[order]) / sizes)[group])))
    at = np.linspace(0, len(first), _POINTS)
    return list((first.mean() + np.interp(at, np.arange(len(gains)), gains) / len(first)).tolist())


def _tasks(seen: Judged) -> dict[str, dict[str, float]]:
    """Return the figures of every task that has enough rows, hardest first."""
    members: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(seen.rows):
        members[row.task or "(none)"].append(place)
    told = {}
    for task, places in members.items():
        if len(places) >= _SMALLEST_TASK:
            at = np.array(places)
            first, last = seen.scores[at, 0], seen.scores[at, -1]
            told[task] = {
                "n": len(at),
                "difficulty": float(seen.difficulty[at].mean()),
                "gap": float((last - first).mean()),
                "apgr": metrics.apgr(seen.difficulty[at], first, last),
            }
    return dict(sorted(told.items(), key=lambda item: -item[1]["difficulty"]))


def _near_misses(seen: Judged) -> list[dict[str, Any]]:
    """Return the requests that the model held easiest and that the first tier got wrong and the last one right."""
    lost = np.flatnonzero(seen.scores[:, -1] - seen.scores[:, 0] >= 0.5)
    worst = lost[np.argsort(seen.difficulty[lost], kind="stable")][:_MISSES]
    return [
        {
            "id": seen.rows[place].id,
            "difficulty": float(seen.difficulty[place]),
            "begins": " ".join(signals.subject(seen.rows[place].request)[:_EXCERPT].split()),
        }
        for place in worst.tolist()
    ]


def _novel(seen: Judged) -> float | None:
    """Return the share of requests that `scope: {novelty: 0.99}` would send to the last tier."""
    novelty = [estimate.novelty for estimate in seen.estimates if estimate.novelty is not None]
    return float(np.mean([value > 0.99 for value in novelty])) if novelty else None
