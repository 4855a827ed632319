"""Text into numbers: hashed words and word pairs, and measures of structure.

Words are lower-cased and digits are all alike, so that case and quantities hardly matter; hashing needs no vocabulary,
so that a new word costs nothing and every language is read alike.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router import signals as facts
from router.chat import ChatRequest
from router.difficulty.tokens import NUMBER, Hashes, Tokens, cut
from router.signals import Signals

BITS: Final = 16
STRUCTURE: Final = (
    "length", "words", "lines", "digits", "code", "maths", "questions", "negations", "share of digits",
    "share of maths", "share of code", "share of negations", "word length", "share of long words",
    "share of different words", "numbers", "commas", "answer options", "formulas", "blanks to fill", "line length",
    "capitals", "a small first letter", "a question mark at the end", "a full stop at the end", "sentences",
    "brackets", "quotes", "colons", "the longest number", "decimals", "fractions",
)  # fmt: skip
"""The measures of structure, in words."""


_CAPITALS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FOLD: Final = bytes.maketrans(_CAPITALS + b"123456789", b"abcdefghijklmnopqrstuvwxyz000000000")
_MIX, _SECOND = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B)
_SHIFT: Final = np.uint32(32 - BITS)
_DECIMAL, _FRACTION = b"0.0", b"0/0"  # As every digit is a zero.
_LONG: Final = 9  # Letters that make a word long.


@dataclass(frozen=True, slots=True)
class Text:
    """What is looked at of a request: its words in lower case with a zero for every digit, and their hashes."""

    clipped: str
    capitals: int
    tokens: Tokens
    distinct: Hashes
    """The hashes of the different words, ascending."""
    counts: NDArray[np.intp]
    """How often each of them is there."""

    @property
    def hashes(self) -> Hashes:
        """Return the hash of every word, in order."""
        return self.tokens.hashes


def read(request: ChatRequest) -> Text:
    """Return the text that a request is about, split into folded words, numbers and marks."""
    clipped = facts.clip(facts.subject(request))
    encoded = clipped.encode(errors="replace")
    capitals = len(encoded) - len(encoded.translate(None, _CAPITALS))
    tokens = cut(encoded.translate(_FOLD))
    distinct, bounds = different(tokens.hashes.copy())
    return Text(clipped, capitals, tokens, distinct, bounds[1:] - bounds[:-1])


def grams(found: Text) -> Hashes:
    """Return the distinct words and pairs of neighbouring words as sorted numbers below 2**BITS."""
    hashes = found.hashes
    return different(places(np.concatenate((found.distinct, hashes[:-1] * _SECOND + hashes[1:]))))[0]


def different(hashes: Hashes) -> tuple[Hashes, NDArray[np.intp]]:
    """Sort hashes where they are, and return those that differ, with the places between which each of them was."""
    hashes.sort()
    new = np.ones(len(hashes) + 1, np.bool_)
    np.not_equal(hashes[1:], hashes[:-1], out=new[1:-1])
    bounds = new.nonzero()[0] if len(hashes) else np.zeros(1, np.intp)
    return hashes.take(bounds[:-1]), bounds


def places(hashes: Hashes) -> Hashes:
    """Return where in a table of 2**BITS entries the things with these hashes are."""
    return hashes * _MIX >> _SHIFT


def structure(text: Text, signals: Signals) -> NDArray[np.float32]:
    """Return the measures named in STRUCTURE."""
    clipped, tokens = text.clipped, text.tokens
    ends = clipped.rstrip()[-1:]
    words = max(1, signals.words)
    letters = int(np.add.reduce(tokens.lengths))  # Without spaces: how a text is laid out does not make it harder.
    read = max(1, letters)
    numbers = tokens.lengths[tokens.kinds == NUMBER]
    counts = (
        letters, signals.words, signals.lines, signals.digits, signals.code, signals.maths,
        signals.questions, signals.negations,
    )  # fmt: skip
    return np.array(
        (
            *map(math.log1p, counts),
            signals.digits / read,
            signals.maths / words,
            signals.code / words,
            signals.negations / words,
            min(read / words, 20.0),
            np.count_nonzero(tokens.lengths >= _LONG) / words,
            len(text.distinct) / max(1, len(tokens.hashes)),
            math.log1p(len(numbers)),
            math.log1p(clipped.count(",")),
            "\nA" in clipped and "\nB" in clipped,
            (clipped.count("\\") + clipped.count("$")) / words,
            "___" in clipped,
            math.log1p(words / max(1, signals.lines)),
            text.capitals / read,
            clipped.lstrip()[:1].islower(),
            ends == "?",
            ends == ".",
            math.log1p(clipped.count(". ") + clipped.count("? ")),
            math.log1p(clipped.count("(")),
            math.log1p(clipped.count('"')),
            math.log1p(clipped.count(":")),
            np.maximum.reduce(numbers, initial=0),
            math.log1p(tokens.text.count(_DECIMAL)),
            math.log1p(tokens.text.count(_FRACTION)),
        ),
        np.float32,
    )
