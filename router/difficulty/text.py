"""Text into numbers: hashed words and word pairs, and measures of structure.

Words are lower-cased and digits are all alike, so that case and quantities hardly matter; hashing needs no vocabulary,
so that a new word costs nothing and every language is read alike.
"""

import math
import re
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from router import signals as facts
from router.chat import ChatRequest
from router.signals import Signals

Hashes = NDArray[np.uint32]

BITS: Final = 16
STRUCTURE: Final = (
    "length", "words", "lines", "digits", "code", "maths", "questions", "negations", "share of digits",
    "share of maths", "share of code", "share of negations", "word length", "share of long words",
    "share of different words", "numbers", "commas", "answer options", "formulas", "blanks to fill", "line length",
    "capitals", "a small first letter", "a question mark at the end", "a full stop at the end", "sentences",
    "brackets", "quotes", "colons", "the longest number",
)  # fmt: skip
"""The measures of structure, in words."""


_CAPITALS: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_FOLD: Final = bytes.maketrans(_CAPITALS + b"123456789", b"abcdefghijklmnopqrstuvwxyz000000000")
_WORD: Final = re.compile(rb"[a-z\x80-\xff]+(?:'[a-z]+)?|0+|[^\sa-z0\x80-\xff]")
_MIX, _SECOND = np.uint32(0x9E3779B1), np.uint32(0x85EBCA6B)
_SHIFT: Final = np.uint32(32 - BITS)
_NUMBERS: Final = bytes(mark if mark == ord("0") else ord(" ") for mark in range(256))
_LONG: Final = 9  # Letters that make a word long.


@dataclass(frozen=True, slots=True)
class Text:
    """What is looked at of a request: its words and their hashes, in order."""

    clipped: str
    folded: bytes
    """In lower case, with a zero for every digit."""
    capitals: int
    words: list[bytes]
    hashes: Hashes


def read(request: ChatRequest) -> Text:
    """Return the text that a request is about, split into folded words, numbers and marks."""
    clipped = facts.clip(facts.subject(request))
    encoded = clipped.encode(errors="replace")
    folded = encoded.translate(_FOLD)
    words = _WORD.findall(folded)
    capitals = len(encoded) - len(encoded.translate(None, _CAPITALS))
    return Text(clipped, folded, capitals, words, np.fromiter(map(crc32, words), np.uint32, len(words)))


def grams(hashes: Hashes) -> Hashes:
    """Return the distinct words and pairs of neighbouring words as sorted numbers below 2**BITS."""
    every = places(np.concatenate((hashes, hashes[:-1] * _SECOND + hashes[1:])))
    every.sort()
    first = np.ones(len(every), np.bool_)
    np.not_equal(every[1:], every[:-1], out=first[1:])
    return every[first]


def places(hashes: Hashes) -> Hashes:
    """Return where in a table of 2**BITS entries the things with these hashes are."""
    return hashes * _MIX >> _SHIFT


def structure(text: Text, signals: Signals) -> NDArray[np.float32]:
    """Return the measures named in STRUCTURE."""
    clipped, found = text.clipped, text.words
    ends = clipped.rstrip()[-1:]
    words = max(1, signals.words)
    lengths = [*map(len, found)]
    letters = sum(lengths)  # Without spaces: how a text is laid out does not make it harder.
    read = max(1, letters)
    numbers = text.folded.translate(_NUMBERS).split()
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
            sum([length >= _LONG for length in lengths]) / words,
            len(set(found)) / max(1, len(found)),
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
            max(map(len, numbers), default=0),
        ),
        np.float32,
    )
