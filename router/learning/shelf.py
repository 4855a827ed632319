"""What the linear expert reads of every row, kept on disk: a few hundred bytes each, however many there are."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router.difficulty import text
from router.difficulty.features import Raw
from router.learning.experts import Common, common

BLOCK: Final = 4_000
"""Rows that are read at once."""

_GRAM: Final = np.min_scalar_type((1 << text.BITS) - 1)


@dataclass(frozen=True, slots=True)
class Block:
    """Some rows."""

    grams: NDArray[Any]
    """Of all rows, one after the other."""
    counts: NDArray[np.int32]
    """How many of them each row has."""
    structure: NDArray[np.float32]
    """Shape (rows, measures)."""
    scores: NDArray[np.float32]
    """Shape (rows, tiers); NaN where there is none."""
    marks: NDArray[np.uint32]
    """The same number for the same text."""


@dataclass(slots=True)
class Shelf:
    """Rows on disk in `folder`, and what is known of all of them together."""

    folder: Path
    rows: int = 0
    seen: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1 << text.BITS, np.int64))
    """How many rows have each gram."""
    _total: NDArray[np.float64] = field(default_factory=lambda: np.zeros((2, len(text.STRUCTURE))))
    _open: list[tuple[Raw, Sequence[float], int]] = field(default_factory=list)
    _marks: list[NDArray[np.uint32]] = field(default_factory=list)
    _blocks: int = 0

    def add(self, found: Raw, scores: Sequence[float], mark: int) -> None:
        """Put a row on the shelf; rows with the same text have the same mark."""
        self._open.append((found, scores, mark))
        if len(self._open) == BLOCK:
            self.flush()

    def flush(self) -> None:
        """Write what was not written yet."""
        if not self._open:
            return
        raws, scores, marks = zip(*self._open, strict=True)
        grams = np.concatenate([raw.grams for raw in raws])
        structure = np.array([raw.structure for raw in raws])
        np.savez(
            self._place(self._blocks),
            grams=grams.astype(_GRAM),
            counts=np.array([len(raw.grams) for raw in raws], np.int32),
            structure=structure,
            scores=np.array(scores, np.float32),
            marks=np.array(marks, np.uint32),
        )
        self.rows += len(raws)
        self._marks.append(np.array(marks, np.uint32))
        self.seen += np.bincount(grams, minlength=len(self.seen))
        self._total += (structure.sum(0, np.float64), (structure**2).sum(0, np.float64))
        self._blocks += 1
        self._open.clear()

    def blocks(self) -> Iterator[Block]:
        """Yield all rows that were written, block by block."""
        for number in range(self._blocks):
            with np.load(self._place(number), allow_pickle=False) as stored:
                arrays: dict[str, Any] = dict(stored)
            yield Block(**arrays)

    def copies(self) -> Callable[[NDArray[np.uint32]], NDArray[np.int64]]:
        """Return what tells, for the marks of some rows, how many rows on the shelf have the same."""
        marks, counts = np.unique(np.concatenate(self._marks), return_counts=True)
        return lambda asked: counts[marks.searchsorted(asked)]

    def common(self) -> Common:
        """Return what is rare among all rows, and how their measures of structure are spread."""
        mean, square = self._total / self.rows
        return common(self.seen, self.rows, mean, np.sqrt(np.maximum(square - mean**2, 0.0)))

    def _place(self, number: int) -> Path:
        return self.folder / f"{number}.npz"
