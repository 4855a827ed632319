"""What is kept of an answer, as a value and as bytes: compressed where that helps, sealed where there is a key.

::

    format 2 · flags 1 · route 4 · [nonce 12 ·] facts as JSON, a line end, the answer itself

The route is a hash that stays readable, so that an operator can clear one route's answers; it tells nobody its name.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

import orjson

from router.chat import Usage
from router.frozen import frozen
from router.ids import hashed

__all__ = ["HEAD_BYTES", "Entry", "Seal", "entry_of", "facts_of", "pack", "route_of", "unpack"]

_FORMAT = 2
_BEFORE = 1
"""A format that began the same: its answers are not read any more, and can be counted and cleared."""
_COMPRESSED, _SEALED = 1, 2
_WORTH_COMPRESSING = 2048
"""Bytes from which compressing saves more than it costs."""
_LARGEST = 64 * 2**20
"""Bytes that a compressed answer may come to: nobody can fill our memory with a small value."""
HEAD_BYTES = 6
_OVERHEAD = 900
"""Bytes of memory that an answer takes beside its body: measured, 940 of one that came through Redis."""
_SOURCE = 60


@frozen
class Entry:
    """One answer: a whole one, a stream's events, or an error that others who asked the same are told too."""

    route: str
    tier: str
    deployment: str
    body: bytes = field(repr=False)
    content_type: str = "application/json"
    stream: bool = False
    usage: Usage | None = None
    until: float = 0.0
    """When it ends, in seconds since 1970; 0 when it may not be kept, and is for those who waited for it only."""
    status: int = 200
    code: str | None = None
    """An error's."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """An error's."""
    sources: tuple[str, ...] = ()
    """The ids of the chunks it was made with, in the order of the numbers that it cites them by."""
    request: str = ""
    """The id of the request that it was first given to."""
    path: str = ""
    """Everybody who was asked for it."""

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        sources = sum([_SOURCE + len(source) for source in self.sources]) if self.sources else 0
        return len(self.body) + sources + _OVERHEAD


class Seal(Protocol):
    """Encrypts, and decrypts at the same place."""

    def close(self, text: bytes, place: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, sealed: bytes, place: bytes) -> bytes:
        """Decrypt.

        Raises:
            ValueError: it was sealed with another key, for another place, or is not what it was.
        """
        ...


def facts_of(entry: Entry) -> tuple[Any, ...]:
    """All of an entry but its body, in plain values: texts, numbers, and tuples of them."""
    return (
        entry.route,
        entry.tier,
        entry.deployment,
        entry.content_type,
        entry.stream,
        _counts(entry.usage) if entry.usage else None,
        entry.until,
        entry.status,
        entry.code,
        tuple(entry.headers.items()),
        entry.sources,
        entry.request,
        entry.path,
    )


def entry_of(facts: Sequence[Any], body: bytes) -> Entry:
    """Make the entry again."""
    route, tier, deployment, content_type, stream, usage, until, status, code, headers, sources, request, path = facts
    return Entry(
        route,
        tier,
        deployment,
        body,
        content_type,
        stream,
        Usage(*usage) if usage else None,
        until,
        status,
        code,
        dict(headers),
        tuple(sources),
        request,
        path,
    )


def pack(entry: Entry, place: str, seal: Seal | None) -> bytes:
    """Write an entry that is kept at a place."""
    text = orjson.dumps(facts_of(entry)) + b"\n" + entry.body
    flags = 0
    if len(text) >= _WORTH_COMPRESSING:
        text, flags = zlib.compress(text, 1), _COMPRESSED
    if seal is not None:
        text, flags = seal.close(text, place.encode()), flags | _SEALED
    return bytes((_FORMAT, flags)) + hashed(entry.route).to_bytes(4) + text


def unpack(value: bytes, place: str, seal: Seal | None) -> Entry | None:
    """Read an entry; None when it is of another format, was sealed with another key, or is damaged."""
    if len(value) < HEAD_BYTES or value[0] != _FORMAT or bool(value[1] & _SEALED) is (seal is None):
        return None
    text = value[HEAD_BYTES:]
    try:
        if seal is not None:
            text = seal.open(text, place.encode())
        if value[1] & _COMPRESSED:
            text = _inflated(text)
        facts, _, body = text.partition(b"\n")
        return entry_of(orjson.loads(facts), body)
    except (ValueError, TypeError, zlib.error):
        return None


def route_of(head: bytes) -> int | None:
    """The hash of the route whose answer this is, from the first `HEAD_BYTES` bytes of a value."""
    known = len(head) >= HEAD_BYTES and head[0] in {_BEFORE, _FORMAT}
    return int.from_bytes(head[2:HEAD_BYTES]) if known else None


def _inflated(text: bytes) -> bytes:
    inflating = zlib.decompressobj()
    whole = inflating.decompress(text, _LARGEST)
    if not inflating.eof:
        message = "larger than any answer, or cut off"
        raise ValueError(message)
    return whole


def _counts(usage: Usage) -> tuple[int, int, int, int]:
    return usage.input, usage.output, usage.cached_input, usage.reasoning
