"""What words mean, roughly: a vector for each of 25,000 English words, and their mean for a text.

The table ships with the package and is shared by every model. It was made from a public sentence encoder such that the
mean of a text's words lies near the whole text (`router/learning/words.py`); rare words weigh more than common ones. A
text without a known word has no meaning here, and its vector is zero.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.difficulty.file import Array, unpack
from router.difficulty.text import Text

NAME: Final = "words.model"
WIDTH: Final = 64

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Words:
    """The table: sorted hashes of the words and their vectors, weighted by rarity."""

    hash: str
    hashes: Array
    """Shape (words,), ascending."""
    vectors: Array
    """Shape (words, WIDTH), in 127ths of each column's scale."""
    scale: Array
    """Shape (WIDTH,)."""

    def mean(self, text: Text) -> Vector:
        """Return the mean vector of a text's words, of length one, or zero when none is known. Shape (WIDTH,)."""
        places = self.hashes.searchsorted(text.distinct)
        known = self.hashes.take(places, mode="clip") == text.distinct
        counts = text.counts[known].astype(np.float32)
        total: Vector = counts @ self.vectors.take(places[known], axis=0).astype(np.float32) * self.scale
        length = float(total @ total) ** 0.5
        return total / length if length else total


@cache
def table() -> Words:
    """Return the table that ships."""
    contents = unpack(files("router.difficulty").joinpath(NAME).read_bytes(), "the word table")
    arrays = contents.arrays
    return Words(contents.hash, arrays["hashes"], arrays["vectors"], arrays["scale"])
