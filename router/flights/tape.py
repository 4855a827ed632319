"""A stream as it comes in, for as many readers as there are: each begins at its beginning and follows."""

import asyncio
from collections.abc import AsyncIterator, Callable

__all__ = ["Reader", "Tape"]

_AHEAD = 2**20
"""Bytes that the stream may be ahead of its fastest reader: a slow client still slows its upstream down."""


class Tape:
    """What has come so far, and more to come until it has ended."""

    __slots__ = ("_forgotten", "_furthest", "_loop", "_parts", "_readers", "_size", "_waiting", "_writing", "ended")

    def __init__(self, *parts: bytes, ended: bool = False) -> None:
        self._parts = list(parts)
        self._forgotten = 0
        self._readers: set[Reader] = set()
        self._size = sum(map(len, parts))
        self._furthest = 0
        self._loop = asyncio.get_running_loop()
        self._waiting: list[asyncio.Future[None]] = []
        """Readers that have taken all there is."""
        self._writing: list[asyncio.Future[None]] = []
        """Whoever writes, while it is too far ahead."""
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
        _wake(self._waiting)
        while self._size - self._furthest > _AHEAD:
            await self._next(self._writing)

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
        _wake(self._waiting)

    def reader(self) -> "Reader":
        """One more who begins at the beginning."""
        reader = Reader(self)
        self._readers.add(reader)
        return reader

    def leave(self, reader: "Reader") -> None:
        """One less, wherever it was."""
        self._readers.discard(reader)

    async def read(self, reader: "Reader", shown: Callable[[bytes], bytes] | None) -> AsyncIterator[bytes]:
        """What has come until now, at once, then each part as it comes; of all of it what `shown` leaves."""
        read = 0
        while True:
            if reader.position < (end := self._forgotten + len(self._parts)):
                part = b"".join(self._parts[reader.position - self._forgotten :])
                reader.position, read = end, read + len(part)
                if given := part if shown is None else shown(part):
                    yield given
                if read > self._furthest:
                    self._furthest = read
                    if self._writing:
                        _wake(self._writing)
            elif self.ended:
                return
            else:
                await self._next(self._waiting)

    def _next(self, waiting: list[asyncio.Future[None]]) -> asyncio.Future[None]:
        """What is done when somebody is woken who waits here."""
        future = self._loop.create_future()
        waiting.append(future)
        return future


def _wake(waiting: list[asyncio.Future[None]]) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(None)
    waiting.clear()


class Reader:
    """Somebody who reads a tape, and where."""

    __slots__ = ("_tape", "position")

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self.position = 0
        """Parts it has taken."""

    def parts(self, shown: Callable[[bytes], bytes] | None = None) -> AsyncIterator[bytes]:
        """What there is for it, until the stream ends; of each part what `shown` leaves."""
        return self._tape.read(self, shown)

    def close(self) -> None:
        """Read no more."""
        self._tape.leave(self)
