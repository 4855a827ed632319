"""Learn a difficulty model from outcomes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from router import signals
from router.difficulty import file
from router.difficulty.estimate import losses
from router.difficulty.model import QUANTILES
from router.difficulty.text import BITS, grams, structure
from router.learning.data import DataError, Row, Tally, rows, scores

Matrix = NDArray[np.float64]

FEWEST = 100
"""Labels below which nothing is trained: a coin would do as well."""

_FOLDS = 5
_STRENGTH = 0.3


def train(data: Sequence[Path], out: Path, tiers: Sequence[str], *, seed: int = 0) -> dict[str, Any]:
    """Train on the outcome files `data`, write the model to `out`, return its training facts.

    Raises:
        DataError: the data cannot be used.
    """
    tally = Tally()
    read = list(rows(data, tiers, tally))
    header, arrays = fit(read, tiers, seed=seed)
    file.write(out, header, arrays)
    return dict(header["training"])


def fit(read: Sequence[Row], tiers: Sequence[str], *, seed: int = 0) -> tuple[dict[str, Any], dict[str, file.Array]]:
    """Return the header and arrays of a model of `read`."""
    labels = scores(read)
    known = ~np.isnan(labels)
    if len(read) < FEWEST or known.sum(0).min() < FEWEST:
        raise DataError(
            f"{len(read)} rows with outcomes of {', '.join(tiers)} are too few: at least {FEWEST} per tier are needed"
        )
    facts = [signals.read(row.request) for row in read]
    ids = [grams(signals.clip(signals.subject(row.request))) for row in read]
    idf = _rarity(ids)
    measures = np.array([structure(fact) for fact in facts])
    centre, scale = measures.mean(0), measures.std(0) + 1e-3
    x = sparse.hstack([_matrix(ids, idf), np.clip((measures - centre) / scale, -3, 3) * 0.1]).tocsr()
    heads = [_head(x[known[:, t]], labels[known[:, t], t]) for t in range(len(tiers))]
    held = _held_out(x, labels, known, seed)
    platt = np.array([_platt(held[known[:, t], t], labels[known[:, t], t]) for t in range(len(tiers))]).T
    p_good = 1 / (1 + np.exp(-(held * platt[0] + platt[1])))
    difficulty = np.array([losses(row)[0] for row in p_good])
    size = 1 << BITS
    header = {
        "tiers": list(tiers),
        "quantiles": np.quantile(difficulty, np.linspace(0, 1, QUANTILES)).tolist(),
        "training": {"rows": len(read), "seed": seed},
    }
    weights = np.array([head[0] for head in heads]).T
    arrays = {
        "idf": idf.astype(np.float16),
        "weights": weights[:size].astype(np.float16),
        "bias": np.array([head[1] for head in heads], np.float32),
        "centre": centre.astype(np.float32),
        "scale": scale.astype(np.float32),
        "slopes": (weights[size:] * 0.1).astype(np.float32),
        "platt": platt.astype(np.float32),
    }
    return header, arrays


def _rarity(ids: Sequence[NDArray[np.uint32]]) -> Matrix:
    seen = np.bincount(np.concatenate(ids), minlength=1 << BITS)
    rarity = np.log((len(ids) + 1) / (seen + 1)) + 1
    rarity[seen < 2] = 0.0
    return rarity


def _matrix(ids: Sequence[NDArray[np.uint32]], idf: Matrix) -> sparse.csr_matrix:
    starts = np.cumsum([0, *(len(row) for row in ids)])
    values = [idf[row] / max(float(np.linalg.norm(idf[row])), 1e-6) for row in ids]
    return sparse.csr_matrix((np.concatenate(values), np.concatenate(ids), starts), shape=(len(ids), 1 << BITS))


def _head(x: sparse.csr_matrix, score: Matrix) -> tuple[Matrix, float]:
    """Fit one tier. A score between 0 and 1 counts as that much of a good answer."""
    twice = sparse.vstack([x, x]).tocsr()
    target = np.repeat([1, 0], len(score))
    weight = np.concatenate((score, 1 - score))
    kept = weight > 0
    model = LogisticRegression(C=_STRENGTH, max_iter=500).fit(twice[kept], target[kept], weight[kept])
    return model.coef_[0], float(model.intercept_[0])


def _held_out(x: sparse.csr_matrix, labels: Matrix, known: NDArray[np.bool_], seed: int) -> Matrix:
    """Return raw log odds for every row from models that did not see it."""
    held = np.zeros_like(labels)
    for train_rows, test_rows in KFold(_FOLDS, shuffle=True, random_state=seed).split(labels):
        for tier in range(labels.shape[1]):
            seen = train_rows[known[train_rows, tier]]
            coefficients, bias = _head(x[seen], labels[seen, tier])
            held[test_rows, tier] = x[test_rows] @ coefficients + bias
    return held


def _platt(odds: Matrix, score: Matrix) -> tuple[float, float]:
    slope, offset = _head(sparse.csr_matrix(odds[:, None]), score)
    return float(slope[0]), offset
