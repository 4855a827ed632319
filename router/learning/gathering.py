"""Outcomes read once: all of them while they are few, of many an even sample in memory and the rest's gist on disk."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final
from zlib import crc32

import numpy as np

from router import signals
from router.difficulty.features import raw
from router.learning.data import Row
from router.learning.shelf import Shelf

FOLDS: Final = 5

_EVERY = 1_000  # Rows between two words of progress.
_LONG = 20_000  # Characters of a request's messages from which on only what is looked at is kept of it.


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read."""

    rows: list[Row]
    """All of them, or an even sample."""
    shelf: Shelf | None
    """All of them, when there are more than the sample."""


def gather(read: Iterable[Row], shelf: Shelf, *, most: int, seed: int, told: Callable[[], None]) -> Gathered:
    """Take all rows. Of more than `most` an even sample is kept (Vitter's algorithm R) and all go to `shelf`.

    Raises:
        DataError: as who reads them does.
    """
    draw = np.random.default_rng(seed)
    kept: list[Row] = []
    number = -1
    for number, whole in enumerate(read):
        row = _short(whole)
        if number % _EVERY == 0:
            told()
        if number < most:
            kept.append(row)
            continue
        if number == most:
            for early in kept:
                _put(shelf, early, seed)
        _put(shelf, row, seed)
        if (place := int(draw.integers(number + 1))) < most:
            kept[place] = row
    told()
    shelf.flush()
    return Gathered(kept, shelf if number >= most else None)


def fold(row: Row, seed: int) -> int:
    """Return the fold that a row is held out in: the same for the same text."""
    return _mark(row, seed) % FOLDS


def _mark(row: Row, seed: int) -> int:
    return crc32(signals.subject(row.request).encode(errors="replace"), seed)


def _put(shelf: Shelf, row: Row, seed: int) -> None:
    shelf.add(raw(row.request, signals.read(row.request)), row.scores, _mark(row, seed))


def _short(row: Row) -> Row:
    """Return a row of which, when its request is long, only the text that is looked at is kept."""
    if sum(len(signals.content(message)) for message in row.request.messages) <= _LONG:
        return row
    content = signals.clip(signals.subject(row.request))
    return replace(row, request=replace(row.request, body={"messages": [{"role": "user", "content": content}]}))
