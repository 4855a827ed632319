"""A store inside the process: what is learned goes to a folder, all else is gone when the process is.

It does what the Redis store does, for as many replicas as there are without Redis: one.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice

from router.clock import SYSTEM, Clock
from router.store.folder import Folder
from router.store.keys import Flight, kind_of
from router.store.protocol import OWNER_BYTES, Claim, Heard, Meanwhile, StoreDown

__all__ = ["Memory"]

_MOST = 8 * 2**20
"""Bytes of one kind; when there are more, the oldest go."""
_EACH = 300
"""Bytes that a value takes beside itself and its key."""
_AT_ONCE = 128
"""The oldest of so many values goes when there are too many bytes."""
_RESULT_TTL = 5.0
_JOINED = b"+"


_Held = tuple[bytes, float | None]
"""A value, and until when it stays."""


class _Shelf:
    """The values of one kind, oldest first, bounded in bytes."""

    __slots__ = ("_most", "_size", "_values")

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._values: dict[str, _Held] = {}

    def get(self, key: str, now: float) -> _Held | None:
        held = self._values.get(key)
        if held is not None and held[1] is not None and held[1] <= now:
            self.pop(key)
            return None
        return held

    def set(self, key: str, value: bytes, until: float | None) -> None:
        if key in self._values:
            self.pop(key)
        self._values[key] = b"%b" % value, until  # a copy of its size: orjson's bytes keep room to grow in
        self._size += len(key) + len(value) + _EACH
        while self._size > self._most:
            self._forget()

    def pop(self, key: str) -> None:
        if (held := self._values.pop(key, None)) is not None:
            self._size -= len(key) + len(held[0]) + _EACH

    def _forget(self) -> None:
        """Let the oldest go, many at a time: a dict looks for its first key in the places of all that have gone."""
        for key in list(islice(self._values, 1 + len(self._values) // _AT_ONCE)):
            self.pop(key)


class Memory:
    """The store of a single process. Without a folder, what is learned is forgotten too."""

    def __init__(
        self,
        folder: Folder | None = None,
        *,
        clock: Clock = SYSTEM,
        most: int = _MOST,
        say: Callable[[str], None] | None = None,
    ) -> None:
        """Keep at most `most` bytes of each kind; `say` hears of a folder that cannot be used."""
        self._folder = folder
        self._now = clock.now
        self._most = most
        self._say = say or (lambda _: None)
        self._shelves: dict[str, _Shelf] = {}
        self._heard: dict[str, list[Heard]] = {}
        self.up = True
        self.shared = False

    async def begin(self) -> None:
        """Nothing to connect to."""

    async def get(self, key: str) -> bytes | None:
        """The value of a key, None when there is none."""
        if self._folder is not None and kind_of(key).ttl is None:
            with suppress(OSError):  # told when it was written
                return await asyncio.to_thread(self._folder.read, key)
        return self._get(key)

    async def set(self, key: str, value: bytes, ttl: float | None) -> None:
        """Keep a value."""
        self.put(key, value, ttl)
        if (folder := self._lasting(key)) is not None:
            await self._write(folder.write, key, value)

    async def add(self, key: str, value: bytes, ttl: float | None) -> bool:
        """Keep a value unless there is one; whether it was kept."""
        return await self.swap(key, None, value, ttl)

    async def swap(self, key: str, before: bytes | None, after: bytes, ttl: float | None) -> bool:
        """Replace a value only while it is `before` (None: while there is none); whether it was replaced."""
        if (folder := self._lasting(key)) is not None:
            done = await self._write(folder.swap, key, before, after)
            if done:
                self.put(key, after, None)
            if done is not None:
                return done
        if self._get(key) != before:
            return False
        self.put(key, after, ttl)
        return True

    async def renew(self, key: str, value: bytes, ttl: float) -> bool:
        """Let a key stay for another `ttl`, only while it holds `value`; whether it does."""
        if self._get(key) != value:
            return False
        self.put(key, value, ttl)
        return True

    async def release(self, key: str, value: bytes) -> bool:
        """Remove a key, only while it holds `value`; whether it did."""
        if (folder := self._lasting(key)) is not None:
            done = await self._write(folder.remove, key, value)
            if done is not None:
                if done:
                    self._shelf(key).pop(key)
                return done
        if self._get(key) != value:
            return False
        self._shelf(key).pop(key)
        return True

    async def delete(self, *keys: str) -> None:
        """Remove keys."""
        for key in keys:
            self._shelf(key).pop(key)
            if (folder := self._lasting(key)) is not None:
                await self._write(folder.remove, key)

    def put(self, key: str, value: bytes, ttl: float | None, *, hurried: bool = False) -> None:  # noqa: ARG002  it is at once
        """Keep a value; what was learned is kept with `set`, which waits for the disk."""
        self._shelf(key).set(key, value, None if ttl is None else self._now() + ttl)

    async def claim(
        self,
        flight: Flight,
        owner: bytes,
        lease: float,
        after: bytes = b"",
        meanwhile: Meanwhile | None = None,  # noqa: ARG002  nothing takes time here
    ) -> Claim:
        """Ask for an answer, or for the right to make it."""
        if (answer := self._get(flight.answer)) is not None:
            return Claim(answer)
        result = self._get(flight.result)
        if after and result is not None and result.startswith(after):
            return Claim(result[OWNER_BYTES:])
        held = self._shelf(flight.lock).get(flight.lock, self._now())
        if held is None:
            self.put(flight.lock, owner, lease)
            return Claim()
        holder, until = held
        if len(holder) == OWNER_BYTES:
            self._shelf(flight.lock).set(flight.lock, holder + _JOINED, until)
        return Claim(holder=holder[:OWNER_BYTES])

    def extend(self, flight: Flight, owner: bytes, lease: float) -> None:
        """Go on holding a flight."""
        holder = self._get(flight.lock)
        if holder is not None and holder.startswith(owner):
            self.put(flight.lock, holder, lease)

    def settle(self, flight: Flight, owner: bytes, value: Callable[[], bytes], ttl: float | None) -> None:
        """End a flight and wake those who joined it."""
        if ttl is not None:
            self.put(flight.answer, value(), ttl)
        holder = self._get(flight.lock)
        if holder is None or not holder.startswith(owner):
            return
        self._shelf(flight.lock).pop(flight.lock)
        if holder.endswith(_JOINED) and len(holder) > OWNER_BYTES:
            if ttl is None:
                self.put(flight.result, owner + value(), _RESULT_TTL)
            self._tell(flight.lock, owner)

    async def charge(
        self,
        account: str,  # noqa: ARG002  as every store has it, and the rest
        given: Sequence[str],  # noqa: ARG002
        ttl: float,  # noqa: ARG002
        *,
        hurried: bool = True,  # noqa: ARG002
        meanwhile: Meanwhile | None = None,  # noqa: ARG002
    ) -> bytes:
        """There is nobody to share an account with."""
        raise StoreDown("accounts are this process's own")

    async def publish(self, channel: str, value: bytes) -> None:
        """Tell every subscriber."""
        self._tell(channel, value)

    def subscribe(self, channel: str, heard: Heard) -> Callable[[], None]:
        """Hear what is published from now on; gives what ends it."""
        self._heard.setdefault(channel, []).append(heard)
        return lambda: self._leave(channel, heard)

    async def aclose(self) -> None:
        """Nothing to let go of."""

    def _leave(self, channel: str, heard: Heard) -> None:
        listening = self._heard.get(channel, [])
        if heard in listening:
            listening.remove(heard)
        if not listening:
            self._heard.pop(channel, None)

    def _tell(self, channel: str, value: bytes) -> None:
        for heard in tuple(self._heard.get(channel, ())):
            heard(value)

    def _shelf(self, key: str) -> _Shelf:
        shelf = self._shelves.get(key.split(":", 2)[1])
        if shelf is None:
            shelf = self._shelves[kind_of(key).name] = _Shelf(self._most)
        return shelf

    def _get(self, key: str) -> bytes | None:
        held = self._shelf(key).get(key, self._now())
        return held[0] if held else None

    def _lasting(self, key: str) -> Folder | None:
        return self._folder if kind_of(key).ttl is None else None

    async def _write(self, work: Callable[..., bool | None], *args: object) -> bool | None:
        """Do something to the folder, off the loop; None when the disk refuses: then memory alone must do."""
        try:
            return await asyncio.to_thread(work, *args)
        except OSError as error:
            self._folder = None
            self._say(f"state.path: {error}; what is learned from now on will be forgotten at the next restart")
            return None
