"""Embeddings of a fake: made from the words of a text alone, so that the same words always give the same numbers.

Each word points in a direction of its own, and a text in the sum of its words' directions: texts that share words are
near each other, whatever they mean. No model has had a part in it.
"""

import re
import struct
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import sqrt
from typing import Any

__all__ = ["DIMENSIONS", "embedded", "entries"]

DIMENSIONS = 32
"""Numbers of an embedding, where the request does not say."""
_MOST = 4_096
_WORD = re.compile(r"\w+")
_MIDDLE = 127.5


def entries(given: object) -> list[str]:
    """What a request's `input` wants embedded; token ids are words of a language of their own."""
    if isinstance(given, list) and given and not isinstance(given[0], int):
        return [entry if isinstance(entry, str) else _tokens(entry) for entry in given]
    return [_tokens(given) if isinstance(given, list) else str(given)]


def _tokens(given: Sequence[object]) -> str:
    return " ".join(map(str, given))


def embedded(text: str, asked: dict[str, Any]) -> list[float] | str:
    """Return a text's embedding, of length 1, in the form that a request asks for."""
    wanted = asked.get("dimensions")
    size = min(wanted, _MOST) if isinstance(wanted, int) and wanted > 0 else DIMENSIONS
    total = [0.0] * size
    for word in _WORD.findall(text.lower()) or [text]:
        total = [one + other for one, other in zip(total, _direction(word, size), strict=True)]
    length = sqrt(sum(number * number for number in total)) or 1.0
    floats = struct.pack(f"<{size}f", *(number / length for number in total))
    if asked.get("encoding_format") == "base64":
        return b64encode(floats).decode()
    return list(struct.unpack(f"<{size}f", floats))


def _direction(word: str, size: int) -> Iterator[float]:
    """As many numbers as are wanted, from -1 to 1, that belong to this word."""
    for block in range(-(-size // 64)):
        key = block.to_bytes(4, "little")
        for byte in blake2b(word.encode(errors="replace"), key=key).digest()[: size - block * 64]:
            yield byte / _MIDDLE - 1.0
