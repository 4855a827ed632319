"""A stream as it comes in, for as many readers as there are: each begins at its beginning and follows."""

import asyncio
from collections.abc import AsyncIterator

__all__ = ["Reader", "Tape"]

_AHEAD = 2**20
"""Bytes that the stream may be ahead of its fastest reader: a slow client still slows its upstream down."""


class Tape:
    """What has come so far, and more to come until it has ended."""

    __slots__ = ("_forgotten", "_furthest", "_news", "_parts", "_readers", "_size", "_taken", "ended")

    def __init__(self, *parts: bytes, ended: bool = False) -> None:
        self._parts = list(parts)
        self._forgotten = 0
        self._readers: set[Reader] = set()
        self._size = sum(map(len, parts))
        self._furthest = 0
        self._news = asyncio.Event()
        self._taken = asyncio.Event()
        self.ended = ended

    def __bytes__(self) -> bytes:
        return b"".join(self._parts)

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._size

    async def add(self, part: bytes) -> None:
        """Take what has come, and wait while it is too far ahead of every reader."""
        self._parts.append(part)
        self._size += len(part)
        self._news.set()
        self._news.clear()
        while self._size - self._furthest > _AHEAD:
            await self._taken.wait()

    def forget(self, readers: int) -> None:
        """Let go of what every reader has taken, once as many as this are there; nobody may come after that."""
        if len(self._readers) == readers and self._readers:
            taken = min(reader.position for reader in self._readers)
            del self._parts[: taken - self._forgotten]
            self._forgotten = taken

    def end(self, last: bytes = b"") -> None:
        """Nothing comes after this."""
        if last:
            self._parts.append(last)
            self._size += len(last)
        self.ended = True
        self._news.set()

    def reader(self) -> "Reader":
        """One more who begins at the beginning."""
        reader = Reader(self)
        self._readers.add(reader)
        return reader

    def leave(self, reader: "Reader") -> None:
        """One less, wherever it was."""
        self._readers.discard(reader)

    async def read(self, reader: "Reader") -> AsyncIterator[bytes]:
        """What has come until now, at once, then each part as it comes."""
        read = 0
        while True:
            if reader.position < self._forgotten + len(self._parts):
                part = b"".join(self._parts[reader.position - self._forgotten :])
                reader.position, read = self._forgotten + len(self._parts), read + len(part)
                yield part
                self._furthest = max(self._furthest, read)
                self._taken.set()
                self._taken.clear()
            elif self.ended:
                return
            else:
                await self._news.wait()


class Reader:
    """Somebody who reads a tape, and where."""

    __slots__ = ("_tape", "position")

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.position = 0
        """Parts it has taken."""

    def parts(self) -> AsyncIterator[bytes]:
        """What there is for it, until the stream ends."""
        return self._tape.read(self)

    def close(self) -> None:
        """Read no more."""
        self._tape.leave(self)
