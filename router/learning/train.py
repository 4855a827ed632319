"""Learn a difficulty model from outcomes.

Everything that is claimed about a model is measured on rows that its parts did not see: the training rows are cut into
folds, each fold is judged by experts fitted on the others, and from those judgements come the mix of the experts, their
calibration, the quantiles of difficulty and the figures on the card. The experts that are kept are fitted on all rows.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router import signals
from router.difficulty import Origins, file, words
from router.difficulty.estimate import BANDS
from router.difficulty.features import Raw, Space, raw
from router.difficulty.forest import Forest
from router.difficulty.model import (
    EXPERTS,
    FOREST,
    LINEAR,
    QUANTILES,
    SPACE,
    TASKS,
    TOLD,
    Linear,
    Model,
    edges_of,
    odds,
    told,
)
from router.difficulty.tasks import Tasks
from router.learning import experts, figures
from router.learning.data import DataError, Row, Tally, sample, scores

Matrix = NDArray[np.float64]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

FEWEST: Final = 100
"""Labels per tier below which nothing is trained: a coin would do as well."""

MOST: Final = 20_000
"""Rows that are learned from. Of more, an even sample is taken while reading, so that memory stays bounded."""

BELIEFS: Final = (np.array([0.1, 0.5, 0.4]), np.array([1.0, 0.0, 0.0]))
"""How much the linear expert, the forest and the tasks are believed: as was best on three English sources, or the first
alone, as where the table knows none of the words. What suits held-out outcomes better is taken."""

_FOLDS: Final = 5
_PRIOR: Final = 20.0  # Outcomes that a tier's rate of escalations counts for in the rate of each band.
_PER_CENT = np.linspace(0, 1, QUANTILES)


@dataclass(frozen=True, slots=True)
class Tellers:
    """The experts that the forest listens to."""

    space: Space
    linear: Linear
    tasks: Tasks

    def told(self, found: Sequence[Raw]) -> Matrix:
        """Return what the forest is told of requests, a line for each."""
        seen = [self.space.features(one) for one in found]
        said = [told(self.linear.odds(one).tolist(), self.tasks.vote(one.dense).tolist()) for one in seen]
        return np.array(said, np.float64)


@dataclass(frozen=True, slots=True)
class Experts:
    """A model before it is calibrated."""

    space: Space
    linear: Linear
    forest: Forest
    tasks: Tasks

    def odds(self, found: Sequence[Raw]) -> tuple[Matrix, NDArray[np.float64]]:
        """Return the experts' log odds, shape (rows, EXPERTS, tiers), and the distances."""
        seen = [self.space.features(one) for one in found]
        said = [odds(self.linear, self.forest, self.tasks, one) for one in seen]
        return np.array(said, np.float64), np.array([one.distance for one in seen])


def quiet(what: str, done: int, total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class How:
    """How to train."""

    seed: int = 0
    """Of everything that is drawn: the same seed and data make the same model."""
    progress: Progress = quiet
    origins: Origins = field(default_factory=dict)
    """Whose answers the outcomes are."""


HOW: Final = How()


def train(data: Sequence[Path], out: Path, tiers: Sequence[str], *, today: date, how: How = HOW) -> dict[str, Any]:
    """Train on the outcome files `data`, write the model to `out`, and return its training facts.

    Raises:
        DataError: the data cannot be used, and in one line why.
    """
    tally = Tally()
    rows = sample(data, tiers, tally, most=MOST, seed=how.seed, progress=lambda done: how.progress("reading", done, 0))
    header, arrays = fit(rows, tiers, how=how)
    facts: dict[str, Any] = header["training"]
    facts |= {"date": today.isoformat(), "lines": tally.lines, "bad_lines": len(tally.bad), "data": _hash(data)}
    file.write(out, header, arrays)
    return facts


def fit(rows: Sequence[Row], tiers: Sequence[str], *, how: How = HOW) -> tuple[dict[str, Any], dict[str, file.Array]]:
    """Return the header and the arrays of a model of `rows`.

    Raises:
        DataError: there is too little in them to learn from.
    """
    labels = scores(rows)
    _check(rows, labels, tiers)
    found = [raw(row.request, signals.read(row.request)) for row in rows]
    names = [row.task for row in rows]
    said, distances = np.zeros((len(rows), EXPERTS, len(tiers))), np.zeros(len(rows))
    heard = np.zeros((len(rows), TOLD * (len(tiers) + 1)))
    parts, tellers = folds(rows, how.seed), []
    for number, (seen, unseen) in enumerate(parts):
        how.progress("learning", number, 2 * _FOLDS + 1)
        tellers.append(learn([found[row] for row in seen], labels[seen], [names[row] for row in seen], how))
        heard[unseen] = tellers[-1].told([found[row] for row in unseen])
    for number, (seen, unseen) in enumerate(parts):
        how.progress("learning", _FOLDS + number, 2 * _FOLDS + 1)
        grown = grow(tellers[number], [found[row] for row in seen], heard[seen], labels[seen], how)
        said[unseen], distances[unseen] = grown.odds([found[row] for row in unseen])
    how.progress("learning", 2 * _FOLDS, 2 * _FOLDS + 1)
    kept = grow(learn(found, labels, names, how), found, heard, labels, how)
    mixes = [[_mix(said[:, :, tier], labels[:, tier], belief) for tier in range(len(tiers))] for belief in BELIEFS]
    mix, p_good = min(
        ((np.array(one).T, _mixed(said, np.array(one).T)) for one in mixes), key=lambda of: _loss(of[1], labels)
    )
    difficulty = np.maximum(0, p_good[:, -1] - p_good[:, 0])
    header = {
        "tiers": list(tiers),
        "words": words.table().hash,
        "depth": kept.forest.depth,
        "quantiles": np.quantile(difficulty, _PER_CENT).tolist(),
        "distances": np.quantile(distances, _PER_CENT).tolist(),
        "escalations": _escalations(rows, difficulty),
        "origins": dict(how.origins),
        "training": {
            "rows": len(rows),
            "seed": how.seed,
            **figures.held_out(rows, p_good, labels, tiers, seed=how.seed),
        },
    }
    how.progress("learning", 2 * _FOLDS + 1, 2 * _FOLDS + 1)
    return header, arrays(kept, mix)


def learn(found: Sequence[Raw], labels: Matrix, tasks: Sequence[str | None], how: How = HOW) -> Tellers:
    """Fit the experts that the forest listens to."""
    at = experts.space(found, how.seed)
    seen = [at.features(one) for one in found]
    line = experts.linear(at, seen, labels)
    expected = 1 / (1 + np.exp(-np.array([line.odds(one) for one in seen])))
    whole = np.where(np.isnan(labels), expected, labels)  # What is missing is filled with what the words let expect.
    return Tellers(at, line, experts.tasks(seen, tasks, whole, how.seed))


def grow(tellers: Tellers, found: Sequence[Raw], heard: Matrix, labels: Matrix, how: How = HOW) -> Experts:
    """Return all experts: the forest grown on rows of which `heard` is what others were told that had not seen them."""
    seen = [tellers.space.features(one) for one in found]
    whole = np.where(np.isnan(labels), heard[:, : labels.shape[1]], labels)
    forest = experts.forest(seen, heard, whole, how.seed)
    return Experts(tellers.space, tellers.linear, forest, tellers.tasks)


def folds(rows: Sequence[Row], seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (seen, unseen) row numbers per fold. Rows with the same text stay together: a copy would give it away."""
    texts = [signals.subject(row.request) for row in rows]
    _, group = np.unique(texts, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(np.arange(group.max() + 1) % _FOLDS)[group]
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(_FOLDS)]


def arrays(kept: Experts, mix: Matrix) -> dict[str, file.Array]:
    """Return the arrays of a model file."""
    parts = ((SPACE, kept.space), (LINEAR, kept.linear), (FOREST, kept.forest), (TASKS, kept.tasks))
    return {name: getattr(part, name) for names, part in parts for name in names} | {"mix": mix.astype(np.float32)}


def model(header: dict[str, Any], parts: dict[str, file.Array]) -> Model:
    """Return the model that a file with this header and these arrays would hold."""
    from router.difficulty.model import from_contents

    return from_contents(file.unpack(file.pack(header, parts), "the model"), "the model")


def _mixed(said: Matrix, mix: Matrix) -> Matrix:
    """Return the probabilities that the experts' log odds come to."""
    p_good: Matrix = 1 / (1 + np.exp(-((said * mix[:-1]).sum(1) + mix[-1])))
    return p_good


def _loss(p_good: Matrix, labels: Matrix) -> float:
    """Return how far probabilities are from what came true, on average."""
    return float(np.nanmean((p_good - labels) ** 2))


def _mix(said: Matrix, score: Matrix, belief: Matrix) -> list[float]:
    """Return the weights of the experts and the offset that make held-out probabilities true (Platt's scaling).

    How much each is believed beside the others is fixed: weights learned from the same rows would fit their noise.
    """
    (slope,), offset = experts.logistic((said @ belief)[:, None], score, freedom=100.0)
    if slope <= 0:  # They know nothing of this tier, or less.
        (slope,), offset = experts.logistic(np.zeros((len(score), 1)), score)
    return [*(slope * belief).tolist(), offset]


def _escalations(rows: Sequence[Row], difficulty: Matrix) -> list[list[float]] | None:
    """Return for every tier how often its answers did not pass their checks, by band of difficulty.

    A band's rate is drawn to the tier's. None unless enough is known of every tier that may escalate.
    """
    escalated = np.array([row.escalated for row in rows])
    known = ~np.isnan(escalated)
    if known[:, :-1].sum(0).min() < FEWEST:
        return None
    band = np.searchsorted(edges_of(tuple(np.quantile(difficulty, _PER_CENT))), difficulty, side="right")
    rates = []
    for tier in range(escalated.shape[1] - 1):
        at, seen = band[known[:, tier]], escalated[known[:, tier], tier]
        total, count = np.bincount(at, seen, minlength=BANDS), np.bincount(at, minlength=BANDS)
        rates.append(((total + _PRIOR * seen.mean()) / (count + _PRIOR)).tolist())
    return [*rates, [0.0] * BANDS]  # The last tier has nobody to escalate to.


def _check(rows: Sequence[Row], labels: Matrix, tiers: Sequence[str]) -> None:
    counts = (~np.isnan(labels.reshape(len(rows), len(tiers)))).sum(0)
    if counts.min() < FEWEST:
        have = ", ".join(f"{tier} {count:,}" for tier, count in zip(tiers, counts, strict=True))
        raise DataError(f"too few outcomes to learn from ({have}): at least {FEWEST} per tier are needed")
    if (np.nanmax(labels, 0) == np.nanmin(labels, 0)).all():
        raise DataError("every answer of a tier has the same score: there is nothing to learn")
    if (different := len({signals.subject(row.request) for row in rows})) < _FOLDS:
        raise DataError(f"only {different} different prompts: there is nothing to tell hard from easy by")


def _hash(data: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in data:
        with path.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
    return f"sha256:{digest.hexdigest()}"
