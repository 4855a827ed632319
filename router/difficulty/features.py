"""One request as the experts see it."""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router.chat import ChatRequest
from router.difficulty import text, words
from router.difficulty.file import Array
from router.difficulty.tokens import Hashes
from router.signals import Signals

SEEN_BITS: Final = 18
_SEEN_SHIFT: Final = np.uint32(32 - SEEN_BITS)
_MIX: Final = np.uint32(0x9E3779B1)
LEAST: Final = 1e-6  # What shorter is counts as nothing.
_LIMIT: Final = 3.0  # Standard deviations beyond which a measure says no more.
_UNSEEN: Final = 0.5  # What unseen words add to a distance.
_HABITS: Final = {"capitals", "a small first letter", "a question mark at the end", "a full stop at the end"}
_RARITIES: Final = {"decimals", "fractions"}  # Hardly a prompt has any: one that does is not therefore something new.
_APART: Final = (len(text.STRUCTURE) - len(_RARITIES)) ** -0.5
WEIGHTS: Final = np.concatenate((
    [0.0 if name in _HABITS | _RARITIES else _APART for name in text.STRUCTURE], np.ones(words.WIDTH)
)).astype(np.float32)  # fmt: skip
"""How much the dense features count in a distance: all measures as much as the meaning, habits of typing nothing."""


@dataclass(frozen=True, slots=True)
class Raw:
    """What does not depend on any model: one reading serves every fold of a training."""

    hashes: Hashes
    grams: Hashes
    structure: NDArray[np.float32]
    meaning: NDArray[np.float32]


def raw(request: ChatRequest, signals: Signals) -> Raw:
    """Return a request's words, measures of structure and meaning."""
    found = text.read(request)
    return Raw(found.hashes, text.grams(found), text.structure(found, signals), words.table().mean(found))


@dataclass(frozen=True, slots=True)
class Features:
    """What the experts are given."""

    grams: Hashes
    structure: NDArray[np.float32]
    """Measures in standard deviations from the training prompts' mean, at most three."""
    dense: NDArray[np.float32]
    """Structure and meaning side by side."""
    distance: float
    """From the training prompts: of the nearest landmark, plus the share of unseen words."""


@dataclass(frozen=True, slots=True)
class Space:
    """The training prompts' space: what is rare in it, where its middle is, where its landmarks stand."""

    rarity: Array
    """Shape (2**BITS,); 0 for what hardly any training prompt had."""
    centre: Array
    """The mean of the measures of structure."""
    scale: Array
    """Their standard deviation."""
    origin: Array
    """The mean meaning."""
    landmarks: Array
    """The dense features of some training prompts, weighted. Shape (landmarks, dense_width)."""
    halves: Array
    """Half of each landmark's squared length."""
    seen: Array
    """Whether a training prompt had the word, by its hash. Shape (2**SEEN_BITS,)."""

    @property
    def dense_width(self) -> int:
        """The number of dense features."""
        return len(self.scale) + len(self.origin)

    def features(self, found: Raw) -> Features:
        """Return the features of a request."""
        measures, dense = spread(found, self.centre, self.scale, self.origin)
        seen = int(np.count_nonzero(self.seen.take(found.hashes * _MIX >> _SEEN_SHIFT)))
        unseen = 1.0 - seen / len(found.hashes) if len(found.hashes) else 1.0
        return Features(found.grams, measures, dense, self._nearest(dense) + _UNSEEN * unseen)

    def _nearest(self, dense: NDArray[np.float32]) -> float:
        """How far the nearest landmark is."""
        here = dense * WEIGHTS
        apart = float(here @ here) - 2.0 * float(np.maximum.reduce(self.landmarks @ here - self.halves))
        return math.sqrt(max(apart, 0.0))

    def rarities(self, grams: Hashes) -> NDArray[np.float32]:
        """Return how much each gram of a request says, by its rarity; of length one together."""
        rarity: NDArray[np.float32] = self.rarity.take(grams).astype(np.float32)
        rarity /= max(float(rarity @ rarity) ** 0.5, LEAST)
        return rarity


def spread(found: Raw, centre: Array, scale: Array, origin: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the measures of a request in standard deviations, and the same beside its meaning."""
    measures = within((found.structure - centre) / scale)
    return measures, np.concatenate((measures, place(found.meaning, origin)))


def within(measures: NDArray[Any]) -> NDArray[np.float32]:
    """Return measures cut off where they say no more; np.clip takes three times as long."""
    cut: NDArray[np.float32] = np.minimum(np.maximum(measures, -_LIMIT), _LIMIT)
    return cut


def place(meaning: NDArray[np.float32], origin: Array) -> NDArray[np.float32]:
    """Return a meaning as seen from the training prompts' middle, of length one; nowhere stays nowhere."""
    moved: NDArray[np.float32] = meaning - origin
    length = float(moved @ moved) ** 0.5
    return moved / length if length > LEAST else moved


def seen_words(hashes: Hashes) -> Array:
    """Return the table that marks the words with these hashes as seen."""
    seen = np.zeros(1 << SEEN_BITS, np.uint8)
    seen[hashes * _MIX >> _SEEN_SHIFT] = 1
    return seen
