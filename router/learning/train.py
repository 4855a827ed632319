"""Learn a difficulty model from outcomes.

Everything that is claimed about a model is measured on rows that its parts did not see: the training rows are cut into
folds, each fold is judged by experts fitted on the others, and from those judgements come the mix of the experts, their
calibration, the quantiles of difficulty and the figures on the card. The experts that are kept are fitted on all rows.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
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
    SPACE,
    TASKS,
    TOLD,
    Linear,
    Model,
    odds,
    told,
)
from router.difficulty.quantiles import QUANTILES, edges_of
from router.difficulty.tasks import Tasks
from router.learning import experts, figures, plenty
from router.learning.data import DataError, Row, Tally, scores
from router.learning.data import rows as outcomes
from router.learning.gathering import FOLDS, fold, gather
from router.learning.shelf import Shelf

Matrix = NDArray[np.float64]
Places = NDArray[np.int64]
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

FEWEST: Final = 100
"""Labels per tier below which nothing is trained: a coin would do as well."""

MOST: Final = 20_000
"""Rows that everything is learned from. Of more, the linear expert learns from all, for what single words say is what
takes many labels; the others, and calibration, from an even sample, so that memory stays bounded."""

BELIEFS: Final = (np.array([0.1, 0.5, 0.4]), np.array([1.0, 0.0, 0.0]))
"""How much the linear expert, the forest and the tasks are believed: as was best on three English sources, or the first
alone, as where the table knows none of the words. What suits held-out outcomes better is taken."""

_STEPS: Final = 2 * FOLDS + 1  # Of training, as progress is told.
_PRIOR: Final = 20.0  # Outcomes that a tier's rate of escalations counts for in the rate of each band.
_PER_CENT = np.linspace(0, 1, QUANTILES)


@dataclass(frozen=True, slots=True)
class Material:
    """Rows as they are learned from."""

    found: Sequence[Raw]
    labels: Matrix
    tasks: Sequence[str | None]

    def of(self, places: Places) -> "Material":
        """Return some of the rows."""
        chosen = places.tolist()
        return Material([self.found[row] for row in chosen], self.labels[places], [self.tasks[row] for row in chosen])


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
    size = sum(path.stat().st_size for path in data if path.exists())
    with TemporaryDirectory(prefix=out.name, dir=out.parent) as folder:  # Where a model may lie, so may what makes it.
        read, shelf = outcomes(data, tiers, tally), Shelf(Path(folder))
        gathered = gather(
            read, shelf, most=MOST, seed=how.seed, told=lambda: how.progress("reading", tally.bytes, size)
        )
        header, arrays = fit(gathered.rows, tiers, how=how, shelf=gathered.shelf)
    facts: dict[str, Any] = header["training"]
    facts |= {"date": today.isoformat(), "lines": tally.lines, "bad_lines": len(tally.bad), "data": _hash(data)}
    file.write(out, header, arrays)
    return facts


def fit(
    rows: Sequence[Row], tiers: Sequence[str], *, how: How = HOW, shelf: Shelf | None = None
) -> tuple[dict[str, Any], dict[str, file.Array]]:
    """Return the header and the arrays of a model of `rows`, and of more rows when they are a sample of a shelf.

    Raises:
        DataError: there is too little in them to learn from.
    """
    labels = scores(rows)
    _check(rows, labels, tiers)
    whole = Material([raw(row.request, signals.read(row.request)) for row in rows], labels, [row.task for row in rows])
    known = _known(shelf, how)
    parts = folds(rows, how.seed) if shelf is None else _marked(rows, how.seed)
    tellers, heard = _told(whole, parts, known, how)
    said, distances = np.zeros((len(rows), EXPERTS, len(tiers))), np.zeros(len(rows))
    for number, (seen, unseen) in enumerate(parts):
        how.progress("learning", FOLDS + number, _STEPS)
        said[unseen], distances[unseen] = grow(tellers[number], whole.of(seen), heard[seen], how).odds(
            whole.of(unseen).found
        )
    how.progress("learning", _STEPS - 1, _STEPS)
    kept = grow(learn(whole, how, known[FOLDS]), whole, heard, how)
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
            "rows": shelf.rows if shelf else len(rows),
            "seed": how.seed,
            **figures.held_out(rows, p_good, labels, tiers, seed=how.seed),
        },
    }
    how.progress("learning", _STEPS, _STEPS)
    return header, arrays(kept, mix)


def _told(
    whole: Material,
    parts: Sequence[tuple[Places, Places]],
    known: Sequence[tuple[experts.Common, Linear] | None],
    how: How,
) -> tuple[list[Tellers], Matrix]:
    """Return each fold's experts that the forest listens to, and what they say of the rows that they have not seen."""
    heard = np.zeros((len(whole.found), TOLD * (whole.labels.shape[1] + 1)))
    tellers = []
    for number, (seen, unseen) in enumerate(parts):
        how.progress("learning", number, _STEPS)
        tellers.append(learn(whole.of(seen), how, known[number]))
        heard[unseen] = tellers[-1].told(whole.of(unseen).found)
    return tellers, heard


def learn(rows: Material, how: How = HOW, known: tuple[experts.Common, Linear] | None = None) -> Tellers:
    """Fit the experts that the forest listens to; `known` is what more rows than these have taught already."""
    at = experts.space(rows.found, how.seed, known[0] if known else None)
    seen = [at.features(one) for one in rows.found]
    line = known[1] if known else experts.linear(at, seen, rows.labels)
    expected = 1 / (1 + np.exp(-np.array([line.odds(one) for one in seen])))
    scores = np.where(np.isnan(rows.labels), expected, rows.labels)  # What is missing is as the words let expect.
    return Tellers(at, line, experts.tasks(seen, rows.tasks, scores, how.seed))


def grow(tellers: Tellers, rows: Material, heard: Matrix, how: How = HOW) -> Experts:
    """Return all experts: the forest grown on rows of which `heard` is what others said that had not seen them."""
    seen = [tellers.space.features(one) for one in rows.found]
    scores = np.where(np.isnan(rows.labels), heard[:, : rows.labels.shape[1]], rows.labels)
    return Experts(tellers.space, tellers.linear, experts.forest(seen, heard, scores, how.seed), tellers.tasks)


def _known(shelf: Shelf | None, how: How) -> Sequence[tuple[experts.Common, Linear] | None]:
    """Return what all rows of a shelf teach without those of each fold, and at the end what all teach."""
    if shelf is None:
        return [None] * (FOLDS + 1)
    common = shelf.common()
    return [(common, line) for line in plenty.linear(shelf, common, folds=FOLDS, told=partial(how.progress, "words"))]


def _marked(rows: Sequence[Row], seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (seen, unseen) row numbers per fold, as rows are marked on a shelf."""
    return _parted(np.array([fold(row, seed) for row in rows]))


def _parted(marks: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    return [(np.flatnonzero(marks != number), np.flatnonzero(marks == number)) for number in range(FOLDS)]


def folds(rows: Sequence[Row], seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return (seen, unseen) row numbers per fold. Rows with the same text stay together: a copy would give it away."""
    texts = [signals.subject(row.request) for row in rows]
    place = {text: place for place, text in enumerate(sorted(set(texts)))}  # numpy would make all as long as one.
    group = np.array([place[text] for text in texts])
    marks = np.random.default_rng(seed).permutation(np.arange(len(place)) % FOLDS)[group]
    return _parted(marks)


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
    if (different := len({signals.subject(row.request) for row in rows})) < FOLDS:
        raise DataError(f"only {different} different prompts: there is nothing to tell hard from easy by")


def _hash(data: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in data:
        with path.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
    return f"sha256:{digest.hexdigest()}"
