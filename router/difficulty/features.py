"""One request as the experts see it."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router.chat import ChatRequest
from router.difficulty import text, words
from router.difficulty.file import Array
from router.signals import Signals

SEEN_BITS: Final = 18
_SEEN_SHIFT: Final = np.uint32(32 - SEEN_BITS)
_MIX: Final = np.uint32(0x9E3779B1)
_LIMIT: Final = 3.0  # Standard deviations beyond which a measure says no more.
_FAR: Final = 5.0  # The same, for how new a prompt is.
_UNSEEN, _UNUSUAL = 0.5, 0.2  # What unseen words and unusual structure add to a distance.


@dataclass(frozen=True, slots=True)
class Raw:
    """What does not depend on any model: one reading serves every fold of a training."""

    hashes: text.Hashes
    structure: NDArray[np.float32]
    meaning: NDArray[np.float32]


def raw(request: ChatRequest, signals: Signals) -> Raw:
    """Return a request's words, measures of structure and meaning."""
    found = text.read(request)
    return Raw(found.hashes, text.structure(found, signals), words.table().mean(found.hashes))


@dataclass(frozen=True, slots=True)
class Features:
    """What the experts are given."""

    grams: NDArray[np.uint32]
    rarity: NDArray[np.float32]
    """How much each gram says, by its rarity; of length one together."""
    structure: NDArray[np.float32]
    """Measures in standard deviations from the training prompts' mean, at most three."""
    dense: NDArray[np.float32]
    """Structure and meaning side by side."""
    distance: float
    """From the training prompts: of the nearest landmark, plus the share of unseen words, plus unusual structure."""


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
    """Meanings of some training prompts, of length one. Shape (landmarks, WIDTH)."""
    seen: Array
    """One bit per hash: whether a training prompt had the word. Shape (2**SEEN_BITS / 8,)."""

    @property
    def dense_width(self) -> int:
        """The number of dense features."""
        return len(self.scale) + len(self.origin)

    def features(self, found: Raw) -> Features:
        """Return the features of a request."""
        grams = text.grams(found.hashes)
        rarity = self.rarity.take(grams).astype(np.float32)
        rarity /= max(float(rarity @ rarity) ** 0.5, 1e-6)
        standard: NDArray[Any] = (found.structure - self.centre) / self.scale
        meaning = place(found.meaning, self.origin)
        measures = _within(standard, _LIMIT)
        unusual = _within(standard, _FAR)
        distance = (
            (1.0 - float((self.landmarks @ meaning).max()))
            + _UNSEEN * self._unseen(found.hashes)
            + _UNUSUAL * float(unusual @ unusual / len(unusual)) ** 0.5
        )
        return Features(grams, rarity, measures, np.concatenate((measures, meaning)), distance)

    def _unseen(self, hashes: text.Hashes) -> float:
        if not len(hashes):
            return 1.0
        bits = hashes * _MIX >> _SEEN_SHIFT
        return 1.0 - int((self.seen.take(bits >> 3) >> (bits & 7) & 1).sum()) / len(bits)


def _within(measures: NDArray[Any], limit: float) -> NDArray[Any]:
    """Return measures cut off at plus and minus `limit`; np.clip costs three times as much."""
    within: NDArray[Any] = np.minimum(np.maximum(measures, -limit), limit)
    return within


def place(meaning: NDArray[np.float32], origin: Array) -> NDArray[np.float32]:
    """Return a meaning as seen from the training prompts' middle, of length one; nowhere stays nowhere."""
    moved: NDArray[np.float32] = meaning - origin
    length = float(moved @ moved) ** 0.5
    return moved / length if length > 1e-6 else moved


def seen_bits(hashes: NDArray[np.uint32]) -> Array:
    """Return the bits that mark the words with these hashes as seen."""
    bits = np.zeros(1 << SEEN_BITS, np.uint8)
    bits[hashes * _MIX >> _SEEN_SHIFT] = 1
    return np.packbits(bits, bitorder="little")
