"""A compressed body made readable, a bounded piece at a time: some gateways compress although asked not to."""

import zlib

from router.upstream.client import TransportError

__all__ = ["Inflate", "coded"]

_LARGEST_PIECE = 256 * 1024
_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})
_EITHER = zlib.MAX_WBITS | 32
"""zlib's way of saying: gzip's header or its own, whichever is there."""


def coded(headers: dict[str, str]) -> bool:
    """Whether a body needs inflating; then its headers no longer say that it is compressed, nor how long it was.

    Raises:
        TransportError: it is compressed in a way that nobody asked for.
    """
    if "content-encoding" not in headers:
        return False
    coding = headers["content-encoding"].strip().lower()
    if coding in {"identity", ""}:
        return False
    if coding not in _CODINGS:
        raise TransportError("malformed", f"the answer is compressed with '{coding}', although asked not to be at all")
    del headers["content-encoding"]
    headers.pop("content-length", None)
    return True


class Inflate:
    """One body: `feed` what came, `take` until it gives nothing."""

    __slots__ = ("_inflate", "_rest")

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_EITHER)
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Hand in more."""
        self._rest += data

    def take(self, most: int = _LARGEST_PIECE) -> bytes:
        """Give at most so many bytes; none when more must be fed first, or at the end. Raises TransportError."""
        if self._inflate.eof and self._rest:
            raise TransportError("malformed", "the answer goes on after its compressed end")
        try:
            plain = self._inflate.decompress(self._rest, most)
        except zlib.error as error:
            raise TransportError("malformed", f"the answer is not compressed as it says: {error}") from error
        self._rest = self._inflate.unconsumed_tail or self._inflate.unused_data
        return plain

    def finish(self) -> None:
        """Say that nothing more will come. Raises TransportError when that is too early."""
        if not self._inflate.eof:
            raise TransportError("malformed", "the answer's compressed body is cut short")
