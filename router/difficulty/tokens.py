"""A text cut into words, numbers and marks, with the CRC-32 of each, all at once.

Going through a long text word by word takes ten times as long as everything that follows. So numpy cuts it, and hashes
it by the fact that a CRC is linear: every byte adds what it would have added alone, given how many bytes follow it.
"""

import re
from dataclasses import dataclass
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]
Places = NDArray[np.intp]

SPACE, WORD, NUMBER, MARK, _OTHER = range(5)
"""What a token is. Neighbours of one kind are one token, but every mark is one of its own."""

LONGEST: Final = 64
"""Bytes of a token that its hash tells apart by place; in a longer one the first of them are told apart no more."""

_APOSTROPHE: Final = re.compile(rb"'[a-z]+")


def _kind(byte: int) -> int:
    letter = chr(byte)
    if byte >= 0x80 or letter.islower():
        return WORD
    if letter == "0":
        return NUMBER
    return SPACE if letter.isspace() and byte not in range(0x1C, 0x20) else MARK


def _table() -> Hashes:
    """What a byte adds to a CRC, by how many bytes follow it. Shape (LONGEST * 256,)."""
    zero = crc32(b"\0")
    rows = [np.array([crc32(bytes((byte,))) ^ zero for byte in range(256)], np.uint32)]
    for _ in range(LONGEST - 1):
        rows.append(rows[0][rows[-1] & 0xFF] ^ (rows[-1] >> 8))
    return np.concatenate(rows)


_KINDS: Final = bytes(map(_kind, range(256)))
_BEFORE: Final = bytes((SPACE, WORD, NUMBER, _OTHER)) + bytes(252)  # A mark is never what the mark before it was.
_ADDED: Final = _table()
_ZEROS: Final = np.array([crc32(bytes(length)) for length in range(LONGEST + 1)], np.uint32)
_STEP: Final = 256


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text, in order."""

    text: bytes
    hashes: Hashes
    """Each token's CRC-32."""
    starts: Places
    lengths: Places
    kinds: NDArray[np.uint8]

    @property
    def words(self) -> list[bytes]:
        """Return the tokens themselves."""
        spans = zip(self.starts.tolist(), self.lengths.tolist(), strict=True)
        return [self.text[start : start + length] for start, length in spans]


def cut(text: bytes) -> Tokens:
    """Return the tokens of a text in lower case with a zero for every digit."""
    kinds = _kinds(text)
    padded = np.frombuffer(kinds, np.uint8)
    edges = (padded[1:] != np.frombuffer(kinds.translate(_BEFORE), np.uint8)[:-1]).nonzero()[0]
    if not len(edges):
        nothing = np.zeros(0, np.intp)
        return Tokens(text, np.zeros(0, np.uint32), nothing, nothing, np.zeros(0, np.uint8))
    starts, ends = edges[:-1], edges[1:]
    lengths = ends - starts
    begin, end = int(starts[0]), int(ends[-1])
    follow = (ends * _STEP - _STEP).repeat(lengths)  # The place in the table of a token's last byte, for all its bytes,
    follow -= np.arange(begin * _STEP, end * _STEP, _STEP)  # and of each byte.
    if np.maximum.reduce(lengths) > LONGEST:
        np.minimum(follow, (LONGEST - 1) * _STEP, out=follow)
    follow += np.frombuffer(text, np.uint8)[begin:end]
    hashes = np.bitwise_xor.accumulate(_ADDED.take(follow)).take(ends - (begin + 1))
    hashes[1:] ^= hashes[:-1].copy()
    hashes ^= _ZEROS.take(lengths, mode="clip")
    found = padded[1:].take(starts)
    kept = found.nonzero()[0]
    return Tokens(text, hashes.take(kept), starts.take(kept), lengths.take(kept), found.take(kept))


def _kinds(text: bytes) -> bytes:
    """Return every byte's kind, between two spaces. An apostrophe between letters is part of their word."""
    kinds = b" %b " % text
    if b"'" not in text:
        return kinds.translate(_KINDS)
    marked = bytearray(kinds.translate(_KINDS))
    before = 0
    for found in _APOSTROPHE.finditer(kinds):
        start = found.start()
        if marked[start - 1] == WORD and start > before:
            marked[start] = WORD
            before = found.end()
    return bytes(marked)
