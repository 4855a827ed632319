"""Text into numbers: hashed words, word pairs and letter groups, and a few measures of structure.

Words are lower-cased and digits are all alike, so that case and quantities hardly matter; hashing needs no vocabulary,
so that a new word costs nothing and every language is read alike.
"""

import math
import re
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from router.signals import Signals

Ids = NDArray[np.uint32]

BITS: Final = 16
STRUCTURE: Final = (
    "length", "words", "lines", "digits", "code", "maths", "questions", "negations", "share of digits",
    "share of maths", "share of code", "share of negations", "word length",
)  # fmt: skip

_FOLD: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ123456789", b"abcdefghijklmnopqrstuvwxyz000000000")
_WORD: Final = re.compile(rb"[a-z\x80-\xff]+(?:'[a-z]+)?|0+|[^\sa-z0\x80-\xff]")
_LETTERS: Final = 4
_MIX, _SECOND, _STEP, _SPREAD = (np.uint32(n) for n in (0x9E3779B1, 0x85EBCA6B, 0x01000193, 0xC2B2AE35))


def tokens(text: str) -> list[bytes]:
    """Return the words, numbers and marks of a text, folded."""
    return _WORD.findall(text.encode(errors="replace").translate(_FOLD))


def grams(text: str) -> Ids:
    """Return the distinct features of a text as sorted numbers below 2**BITS."""
    found = tokens(text)
    words = np.array([crc32(word) for word in found], np.uint32)
    letters = np.frombuffer(b" ".join((b"", *found, b"")), np.uint8).astype(np.uint32)
    groups = np.zeros(max(0, len(letters) - _LETTERS + 1), np.uint32)
    for place in range(_LETTERS if len(groups) else 0):
        groups = groups * _STEP + letters[place : place + len(groups)]
    every = np.concatenate((words * _MIX, (words[:-1] * _SECOND + words[1:]) * _MIX, groups * _SPREAD))
    return np.unique(every >> np.uint32(32 - BITS))


def structure(signals: Signals) -> NDArray[np.float32]:
    """Return the measures named in STRUCTURE."""
    read = max(1, min(signals.characters, 4_000))
    words = max(1, signals.words)
    counts = (
        signals.characters,
        signals.words,
        signals.lines,
        signals.digits,
        signals.code,
        signals.maths,
        signals.questions,
        signals.negations,
    )
    shares = (
        signals.digits / read,
        signals.maths / words,
        signals.code / words,
        signals.negations / words,
        min(read / words, 20.0),
    )
    return np.array((*(math.log1p(count) for count in counts), *shares), np.float32)
