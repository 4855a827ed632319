"""A stream as it comes in, for as many readers as there are: each begins at its beginning and follows."""

import asyncio
from collections.abc import AsyncIterator

__all__ = ["Tape"]

_AHEAD = 2**20
"""Bytes that the stream may be ahead of its fastest reader: a slow client still slows its upstream down."""


class Tape:
    """What has come so far, and more to come until it has ended."""

    __slots__ = ("_furthest", "_news", "_parts", "_size", "_taken", "ended")

    def __init__(self, *parts: bytes, ended: bool = False) -> None:
        self._parts = list(parts)
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

    def end(self, last: bytes = b"") -> None:
        """Nothing comes after this."""
        if last:
            self._parts.append(last)
            self._size += len(last)
        self.ended = True
        self._news.set()

    async def read(self) -> AsyncIterator[bytes]:
        """What has come until now, at once, then each part as it comes."""
        position = read = 0
        while True:
            if position < len(self._parts):
                part = b"".join(self._parts[position:])
                position, read = len(self._parts), read + len(part)
                yield part
                self._furthest = max(self._furthest, read)
                self._taken.set()
                self._taken.clear()
            elif self.ended:
                return
            else:
                await self._news.wait()
