"""The linear expert of more rows than memory should hold.

It solves the same regression as `experts.linear`, for several sets of rows at once, by going through the shelf about
twenty times. Columns are divided by what a first pass finds to be their weight in the solution, which makes a dozen
steps do what a hundred would.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse

from router.difficulty import text
from router.difficulty.features import within
from router.difficulty.model import Linear
from router.learning.experts import FREEDOM, Common
from router.learning.shelf import Block, Shelf

Matrix = NDArray[np.floating]

STEPS: Final = 12
"""Steps of the minimiser: with more of them held-out rows were judged no better."""

_WORDS: Final = 1 << text.BITS
_REMEMBERED = 5  # Steps that the minimiser learns the curvature from: each takes memory.
_LOOSE = 1e-3  # How firmly the offset is held: hardly.


@dataclass(frozen=True, slots=True)
class Rows:
    """A block as the regression sees it. Everything about a row but its scores is one line of `has` and `measures`."""

    has: sparse.csr_matrix
    """Ones where a row has a gram."""
    length: NDArray[np.float32]
    """Of each row's rarities together, as a column."""
    measures: NDArray[np.float32]
    """Structure as the expert sees it, and a one for the offset."""
    scores: NDArray[np.float32]
    weight: NDArray[np.float32]
    """How much each row counts for each set and tier. Shape (rows, sets * tiers)."""


@dataclass(frozen=True, slots=True)
class Fit:
    """All regressions together: for every held-out fold one without its rows, and at the end one with all rows."""

    shelf: Shelf
    common: Common
    sets: int
    tiers: int
    told: Callable[[], None]
    """Told after every pass."""
    copies: Callable[[NDArray[np.uint32]], NDArray[np.int64]]
    """How many rows have the same text: a hundred of them are worth ten, for they say what one prompt is like."""

    def rows(self) -> Iterator[Rows]:
        """Yield the shelf's rows, and tell about the pass at its end."""
        rarity = self.common.rarity.astype(np.float32)
        for block in self.shelf.blocks():
            yield self._rows(block, rarity)
        self.told()

    def _rows(self, block: Block, rarity: NDArray[np.float32]) -> Rows:
        starts = np.concatenate(([0], np.cumsum(block.counts)))
        shape = (len(block.counts), _WORDS)
        squares = np.concatenate((np.square(rarity.take(block.grams)).cumsum(dtype=np.float64), [0.0]))
        length = np.sqrt(np.maximum(squares[starts[1:] - 1] - squares[starts[:-1] - 1], 0.0))
        apart = np.float32(len(self.common.scale) ** -0.5)
        measures = within((block.structure - self.common.centre) / self.common.scale) * apart
        kept = np.arange(self.sets)[None] != (block.marks % (self.sets - 1))[:, None]
        known = ~np.isnan(block.scores)
        once = np.float32(1) / np.sqrt(self.copies(block.marks), dtype=np.float32)
        weight = (kept[:, :, None] & known[:, None]).reshape(len(kept), -1) * once[:, None]
        return Rows(
            has=sparse.csr_matrix((np.ones(len(block.grams), np.float32), block.grams, starts), shape=shape),
            length=np.maximum(length, 1e-6).astype(np.float32)[:, None],
            measures=np.hstack((measures, np.ones((len(measures), 1), np.float32))),
            scores=np.tile(np.nan_to_num(block.scores), self.sets),
            weight=weight,
        )


def linear(shelf: Shelf, common: Common, *, folds: int, told: Callable[[int, int], None]) -> list[Linear]:
    """Return the linear expert without each fold's rows, and at the end the one of all rows."""
    tiers = len(next(shelf.blocks()).scores[0])
    passes = iter(range(1, 10 * STEPS))
    fit = Fit(
        shelf, common, folds + 1, tiers, lambda: told(min(next(passes), 2 * STEPS - 1), 2 * STEPS), shelf.copies()
    )
    weights = _minimum(fit)
    told(2 * STEPS, 2 * STEPS)
    apart = len(common.scale) ** -0.5
    rarity = common.rarity
    experts = []
    for number in range(folds + 1):
        own = weights[:, number * tiers : (number + 1) * tiers]
        experts.append(
            Linear.of(
                rarity,
                grams=own[:_WORDS].astype(np.float16),
                structure=(own[_WORDS:-1] * apart).astype(np.float32),
                bias=own[-1].astype(np.float32),
            )
        )
    return experts


def _minimum(fit: Fit) -> Matrix:
    """Return the weights of all regressions, shape (grams and measures and offset, sets * tiers)."""
    firm, begin, rows = _curvature(fit)
    shape = firm.shape
    step = np.sqrt(firm)
    rarity = fit.common.rarity.astype(np.float32)[:, None]
    held = np.full((shape[0], 1), 1 / FREEDOM)
    held[-1] = _LOOSE

    def loss(moved: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = begin + moved.reshape(shape) / step
        worth = 0.5 * float((held * weights**2).sum())
        slope = held * weights
        words, others = (weights[:_WORDS] * rarity).astype(np.float32), weights[_WORDS:].astype(np.float32)
        for block in fit.rows():
            odds = block.has @ words / block.length + block.measures @ others
            worth += float((block.weight * (np.logaddexp(0, odds) - block.scores * odds)).sum(dtype=np.float64))
            wrong = block.weight * (1 / (1 + np.exp(-odds)) - block.scores)
            slope[:_WORDS] += rarity * (block.has.T @ (wrong / block.length))
            slope[_WORDS:] += block.measures.T @ wrong
        return worth / rows, (slope / step).ravel() / rows

    moved, _, _ = optimize.fmin_l_bfgs_b(loss, np.zeros(firm.size), maxiter=STEPS, m=_REMEMBERED, factr=10, pgtol=0)
    weights: Matrix = begin + moved.reshape(shape) / step
    return weights


def _curvature(fit: Fit) -> tuple[Matrix, Matrix, float]:
    """Return how firmly rows hold each weight, where offsets begin, and how many rows there are."""
    rarity = np.square(fit.common.rarity.astype(np.float32))[:, None]
    width = fit.sets * fit.tiers
    good, total = np.zeros(width), np.zeros(width)
    firm: Any = np.zeros((_WORDS + len(fit.common.scale) + 1, 1))
    for block in fit.rows():
        good += (block.weight * block.scores).sum(0, dtype=np.float64)
        total += block.weight.sum(0, dtype=np.float64)
        firm[:_WORDS] += rarity * (block.has.T @ block.length**-2)
        firm[_WORDS:] += np.square(block.measures).sum(0)[:, None]
    rate = (good + 0.5) / (total + 1)
    begin = np.zeros((len(firm), width))
    begin[-1] = np.log(rate / (1 - rate))
    return firm * (rate * (1 - rate)) + 1 / FREEDOM, begin, float(total.max())
