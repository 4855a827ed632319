"""The answers each process keeps itself: those asked for last, bounded in bytes.

They are kept as tuples of plain values, which the collector soon does not look at any more: for ten thousand objects
it takes milliseconds, in which no request moves.
"""

from collections import OrderedDict
from typing import Any

from router.cache.entry import Entry, entry_of, facts_of

__all__ = ["Near"]

_Held = tuple[Any, ...]
"""Until when an entry may be given, its size, its body, and all its other facts, of which the route is the first."""


class Near:
    """Entries by key; what was not asked for the longest goes first."""

    __slots__ = ("_entries", "_most", "_size")

    def __init__(self, most: int) -> None:
        """Keep at most so many bytes."""
        self._most = most
        self._size = 0
        self._entries: OrderedDict[str, _Held] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """Bytes that are kept."""
        return self._size

    def get(self, key: str, now: float) -> Entry | None:
        """The entry of a key, unless it has ended by `now`, on a clock that never goes back."""
        held = self._entries.get(key)
        if held is None:
            return None
        if held[0] <= now:
            self.drop(key)
            return None
        self._entries.move_to_end(key)
        return entry_of(held[3:], held[2])

    def put(self, key: str, entry: Entry, until: float) -> None:
        """Keep an entry until a moment on that clock, unless it alone is more than may be kept."""
        if key in self._entries:
            self.drop(key)
        if (size := entry.size) > self._most:
            return
        self._entries[key] = until, size, entry.body, *facts_of(entry)
        self._size += size
        if self._size > self._most:
            self._shrink()

    def drop(self, key: str) -> None:
        """Forget an entry."""
        if (held := self._entries.pop(key, None)) is not None:
            self._size -= held[1]

    def clear(self, route: str | None = None) -> int:
        """Forget one route's entries, or all; how many."""
        gone = [key for key, held in self._entries.items() if route is None or held[3] == route]
        for key in gone:
            self.drop(key)
        return len(gone)

    def resize(self, most: int) -> None:
        """Keep at most so many bytes from now on."""
        self._most = most
        self._shrink()

    def _shrink(self) -> None:
        while self._size > self._most:
            _, held = self._entries.popitem(last=False)
            self._size -= held[1]
