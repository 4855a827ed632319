"""What a model says about recorded requests."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router import signals
from router.difficulty import Builtin, Estimate, builtin, load
from router.difficulty import file as files
from router.difficulty.model import Model, from_contents
from router.learning.data import DataError, Row, scores

Matrix = NDArray[np.float64]

DEFAULT_TIERS = ("tuned", "frontier")


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows that have an outcome of the first and of the last tier, and what the model said of them beforehand."""

    rows: Sequence[Row]
    estimates: Sequence[Estimate]
    scores: Matrix
    """Shape (rows, tiers)."""

    @property
    def p_good(self) -> Matrix:
        """Return the stated probabilities, shape (rows, tiers)."""
        return np.array([estimate.p_good for estimate in self.estimates])

    @property
    def difficulty(self) -> NDArray[np.float64]:
        """Return the difficulty of each row."""
        return np.array([estimate.difficulty[0] for estimate in self.estimates])


def opened(name: str, tiers: Sequence[str] | None = None) -> Model | Builtin:
    """Return the model called `name`: `builtin`, or a file.

    Args:
        name: `builtin` or the path of a model file.
        tiers: those that the builtin model stands for; a file knows its own, and must be for the same.

    Raises:
        ModelError: the file cannot be used.
    """
    if name == "builtin":
        return builtin(tuple(tiers or DEFAULT_TIERS))
    return load(Path(name), tiers) if tiers else from_contents(files.read(Path(name)), name)


def estimate(model: Model | Builtin, row: Row) -> Estimate:
    """Return what the model says about a row's request."""
    return model(row.request, signals.read(row.request))


def lines(model: Model | Builtin, rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Yield what `smallfirst score` prints: id, difficulty, p_good by tier, novelty."""
    for row in rows:
        said = estimate(model, row)
        p_good = dict(zip(model.tiers, said.p_good, strict=True))
        yield {"id": row.id, "difficulty": said.difficulty[0], "p_good": p_good, "novelty": said.novelty}


def judged(model: Model | Builtin, rows: Sequence[Row]) -> Judged:
    """Return the rows that can be judged with their estimates.

    Raises:
        DataError: there is none.
    """
    labels = scores(rows)
    known = [place for place, score in enumerate(labels) if not (np.isnan(score[0]) or np.isnan(score[-1]))]
    if not known:
        raise DataError(f"no row has an outcome of both {model.tiers[0]} and {model.tiers[-1]}")
    kept = [rows[row] for row in known]
    return Judged(kept, [estimate(model, row) for row in kept], labels[known])
