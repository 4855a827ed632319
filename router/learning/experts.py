"""Fit the parts of a model: the space its prompts span, and the three experts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import LogisticRegression

from router.difficulty import text
from router.difficulty.features import WEIGHTS, Features, Raw, Space, seen_words, spread
from router.difficulty.forest import Forest
from router.difficulty.model import Linear
from router.difficulty.tasks import Tasks

Matrix = NDArray[np.floating]

LANDMARKS: Final = 512
TREES: Final = 100
DEPTH: Final = 10

_MEANINGS = 32  # How much of a text's meaning the forest sees: that many of its first components.
_LEAF = 8  # Fewest labels that share a vote.
_TASK_FREEDOM = 30.0  # The like, where tasks are told apart.
_RARE_TASK, _MOST_TASKS = 5, 256  # Labels that a task must have, and how many tasks are told apart.
_FEWEST_NAMES = 2  # Of fewer tasks nothing is learned by their names.
_KINDS, _KIND = 30, 16  # Kinds that requests without a task are told apart by, at most, and requests that each takes.
_ROUNDS = 30  # Of k-means: few requests change their kind in later ones.
_PRIOR = 20.0  # Labels that the mean of all tasks counts for in the mean of each.
FREEDOM: Final = 0.3  # Inverse strength of the linear expert's regularisation.
_STEP = 0.1  # Added to every measure's standard deviation: what is always the same must not be divided by.
_RARE = 2  # Prompts that must share a gram before it may say anything.


@dataclass(frozen=True, slots=True)
class Common:
    """What training rows have in common: how rare each gram is among them, and how their measures are spread."""

    rarity: NDArray[np.float16]
    centre: NDArray[np.float32]
    scale: NDArray[np.float32]


def common(counts: NDArray[np.int64], rows: int, mean: Matrix, spread_: Matrix) -> Common:
    """Return it for so many rows, given in how many of them each gram is."""
    rarity = np.where(counts >= _RARE, np.log((rows + 1) / (counts + 1)) + 1, 0.0)
    return Common(rarity.astype(np.float16), mean.astype(np.float32), (spread_ + _STEP).astype(np.float32))


def space(found: Sequence[Raw], seed: int, shared: Common | None = None) -> Space:
    """Return the space that training prompts span; `shared` is what more rows than these have in common."""
    if shared is None:
        counts = np.bincount(np.concatenate([raw.grams for raw in found]), minlength=1 << text.BITS)
        measures = np.array([raw.structure for raw in found])
        shared = common(counts, len(found), measures.mean(0), measures.std(0))
    centre, scale = shared.centre, shared.scale
    origin = np.array([raw.meaning for raw in found]).mean(0).astype(np.float32)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(found))[:LANDMARKS])
    landmarks = np.array([spread(found[row], centre, scale, origin)[1] * WEIGHTS for row in chosen.tolist()])
    return Space(
        rarity=shared.rarity,
        centre=centre,
        scale=scale,
        origin=origin,
        landmarks=landmarks,
        halves=(landmarks**2).sum(1) / 2,
        seen=seen_words(np.concatenate([np.unique(raw.hashes) for raw in found])),
    )


def linear(at: Space, seen: Sequence[Features], scores: Matrix) -> Linear:
    """Fit the linear expert. A score between 0 and 1 counts as that much of a good answer; NaN is left out."""
    apart = 1 / np.sqrt(len(at.scale))  # All measures together weigh as much as all words together.
    x = sparse.hstack((_words(at, seen), np.array([one.structure for one in seen]) * apart)).tocsr()
    heads = [logistic(x, scores[:, tier]) for tier in range(scores.shape[1])]
    weights = np.array([head[0] for head in heads]).T
    words = 1 << text.BITS
    return Linear.of(
        at.rarity,
        grams=weights[:words].astype(np.float16),
        structure=(weights[words:] * apart).astype(np.float32),
        bias=np.array([head[1] for head in heads], np.float32),
    )


def logistic(x: sparse.csr_matrix | Matrix, score: Matrix, freedom: float = FREEDOM) -> tuple[Matrix, float]:
    """Return weights and offset of a logistic regression on scores from 0 to 1."""
    known = np.flatnonzero(~np.isnan(score))
    good, total = float(score[known].sum()), len(known)
    if not 0 < good < total:  # Nothing to tell apart: always the same, as surely as that many labels can say.
        return np.zeros(x.shape[1]), float(np.log((good + 0.5) / (total - good + 0.5)))
    whole = bool(np.isin(score[known], (0, 1)).all())
    rows = known if whole else np.concatenate((known, known))
    target = score[known] if whole else np.repeat([1.0, 0.0], total)
    weight = np.ones(total) if whole else np.concatenate((score[known], 1 - score[known]))
    fitted = LogisticRegression(C=freedom, max_iter=300, tol=1e-4).fit(x[rows], target, weight)
    return fitted.coef_[0], float(fitted.intercept_[0])


def forest(seen: Sequence[Features], told: Matrix, scores: Matrix, seed: int) -> Forest:
    """Grow the forest on scores without gaps, and lay it out flat.

    Half of the trees are also given what the other experts say, `told`, which they must have said of rows that they
    had not seen.
    """
    shown = len(seen[0].structure) + _MEANINGS
    x = np.array([one.dense[:shown] for one in seen])
    place_ = np.concatenate((np.arange(shown), len(seen[0].dense) + np.arange(told.shape[1])))
    grown = [*_trees(x, scores, seed), *_trees(np.hstack((x, told)), scores, seed)]
    parts: list[list[NDArray[Any]]] = []
    roots, start = [], 0
    for tree in grown:
        order, child = _side_by_side(tree.children_left, tree.children_right)
        leaf = tree.children_left[order] < 0
        parts.append([
            np.where(leaf, 0, place_[tree.feature[order]]),
            np.where(leaf, np.inf, tree.threshold[order]),
            child + start,
            tree.value[order].reshape(len(order), -1),
        ])  # fmt: skip
        roots.append(start)
        start += len(order)
    feature, cut, child, votes = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Forest(
        roots=np.array(roots, np.int32),
        feature=feature.astype(np.uint8),
        cut=cut.astype(np.float32),
        child=child.astype(np.int32),
        votes=votes.astype(np.float16),
        depth=DEPTH,
    )


def _trees(x: Matrix, scores: Matrix, seed: int) -> list[Any]:
    """Return half of the forest's trees."""
    grown = ExtraTreesRegressor(
        TREES // 2, max_depth=DEPTH, min_samples_leaf=_LEAF, max_features=0.3, random_state=seed
    ).fit(x, scores)
    return [estimator.tree_ for estimator in grown.estimators_]


def tasks(seen: Sequence[Features], names: Sequence[str | None], scores: Matrix, seed: int) -> Tasks:
    """Learn to tell the tasks apart, and how good each tier is at each, from scores without gaps.

    Where nobody named any, or all the same, requests that are alike are taken to be of one task.
    """
    if len(set(names)) < _FEWEST_NAMES:
        names = kinds(seen, seed)
    counted = Counter(name for name in names if name is not None).most_common(_MOST_TASKS)
    common = {name for name, count in counted if count >= _RARE_TASK}
    rows = np.array([row for row, name in enumerate(names) if name in common], np.int64)
    mean = scores.mean(0)
    width = len(seen[0].dense)
    if len(common) < 2:  # One kind, or no word of any: nothing to tell apart.
        return Tasks(np.zeros((width, 1), np.float32), np.zeros(1, np.float32), mean[None].astype(np.float32))
    measures = len(seen[0].structure)
    scale = np.where(np.arange(width) < measures, 1 / np.sqrt(measures), 1.0)  # All measures weigh as much as meaning.
    found, place_ = np.unique([names[row] for row in rows.tolist()], return_inverse=True)
    x = np.array([seen[row].dense for row in rows.tolist()]) * scale
    fitted = LogisticRegression(C=_TASK_FREEDOM, max_iter=100, tol=1e-2).fit(x, place_)
    weights, offsets = fitted.coef_, fitted.intercept_
    if len(found) == 2:  # scikit-learn keeps one row of weights for two classes.
        weights, offsets = np.vstack((-weights, weights)) / 2, np.concatenate((-offsets, offsets)) / 2
    counts = np.bincount(place_)[:, None]
    total = np.array([np.bincount(place_, scores[rows, tier]) for tier in range(scores.shape[1])]).T
    rates = (total + _PRIOR * mean) / (counts + _PRIOR)
    return Tasks(
        weights=(weights * scale).T.astype(np.float32),
        offsets=offsets.astype(np.float32),
        rates=rates.astype(np.float32),
    )


def kinds(seen: Sequence[Features], seed: int) -> list[str | None]:
    """Return which kind each request is of: those that are alike in structure and meaning are of one (k-means)."""
    draw = np.random.default_rng(seed)
    x = np.array([one.dense for one in seen]) * WEIGHTS
    x = x.astype(np.float64)
    centres = x[draw.integers(len(x))][None]
    apart = ((x - centres) ** 2).sum(1)
    for _ in range(min(_KINDS, len(x) // _KIND) - 1):  # The next is drawn from what is far from all before.
        chances = apart.cumsum()
        centres = np.vstack((centres, x[min(int(chances.searchsorted(draw.random() * chances[-1])), len(x) - 1)]))
        apart = np.minimum(apart, ((x - centres[-1]) ** 2).sum(1))
    kind = np.zeros(len(x), np.int64)
    for _ in range(_ROUNDS):
        kind = (x @ centres.T - (centres**2).sum(1) / 2).argmax(1)
        members = sparse.csr_matrix((np.ones(len(x)), (kind, np.arange(len(x)))), shape=(len(centres), len(x)))
        size = np.asarray(members.sum(1))
        centres = np.where(size > 0, (members @ x) / np.maximum(size, 1), centres)
    return [str(one) for one in kind.tolist()]


def _side_by_side(left: NDArray[np.int64], right: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a tree's nodes in an order in which siblings are neighbours, and each node's first child there."""
    order = [0]
    child = []
    for place_, node in enumerate(order):  # It grows while we walk it.
        child.append(len(order) if left[node] >= 0 else place_)
        if left[node] >= 0:
            order += [left[node], right[node]]
    return np.array(order), np.array(child)


def _words(at: Space, seen: Sequence[Features]) -> sparse.csr_matrix:
    starts = np.cumsum([0, *(len(one.grams) for one in seen)])
    columns = np.concatenate([one.grams for one in seen])
    return sparse.csr_matrix(
        (np.concatenate([at.rarities(one.grams) for one in seen]), columns, starts), shape=(len(seen), 1 << text.BITS)
    )
