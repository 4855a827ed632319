"""Which trace a request belongs to, as the W3C's `traceparent` header has it (Trace Context, level 1)."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

__all__ = ["CALLS", "TOKEN_BYTES", "Trace"]

TOKEN_BYTES = 24
"""Random bytes that a trace takes: 16 for a trace that begins here, 8 for the request's own span."""

CALLS = 1
"""The number of the span of a request's first call; those of the others follow."""

_HEADER = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_SAMPLED = 1


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace, and the place of one request in it; ids are in hexadecimal."""

    id: str
    span: str
    """The request's own."""
    parent: str | None = None
    """The span that it was asked from; None when the trace begins here."""
    sampled: bool = True

    @classmethod
    def of(cls, header: str | None, token: bytes, rate: float = 1.0) -> Self:
        """Go on with the trace that a header names; without one that can be read a new one begins.

        Whoever began a trace has decided whether it is kept; of those that begin here `rate` are, by their id, so that
        everybody who counts by id keeps the same ones.
        """
        span = token[16:24].hex()
        found = _HEADER.fullmatch(header.strip()) if header else None
        if found is not None and found[1] != "ff" and not (found[1] == "00" and found[5]):
            trace, parent = found[2], found[3]
            if trace.strip("0") and parent.strip("0"):
                return cls(trace, span, parent, bool(int(found[4], 16) & _SAMPLED))
        kept = int.from_bytes(token[8:16]) < rate * 2**64
        return cls(token[:16].hex(), span, sampled=kept)

    def child(self, number: int) -> str:
        """The id of the request's span of this number: the same whenever it is asked for."""
        return blake2b(f"{self.span}/{number}".encode(), digest_size=8).hexdigest()

    def header(self, number: int) -> bytes:
        """What a call says that is that span."""
        return f"00-{self.id}-{self.child(number)}-{int(self.sampled):02x}".encode()
