"""What a store can do, and how it says that it is down."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from router.frozen import frozen
from router.store.keys import Flight

__all__ = ["OWNER_BYTES", "Claim", "Heard", "Meanwhile", "Store", "StoreDown"]

OWNER_BYTES = 16
"""How long the name of whoever holds a flight is."""

Heard = Callable[[bytes | None], None]
"""Hears what is published; None says that messages may have been missed, so that what they told of is read again."""

Meanwhile = Callable[[], None]
"""Called when a question is on its way, and until it is answered there is nothing else to do."""


class StoreDown(Exception):
    """The store cannot be reached, or took longer than a request may wait for it; whoever asked goes on without."""


@frozen
class Claim:
    """What came of asking for an answer, or else for the right to be the one who makes it."""

    value: bytes | None = None
    """The answer, when there is one; of a flight that was waited for also one that may not be kept."""
    holder: bytes | None = None
    """Who makes it just now; None, and no value: the caller does, until its lease ends."""


class Store(Protocol):
    """What servers share.

    Every call that is awaited ends within 50 ms, or raises `StoreDown`; once calls fail it is raised at once, until the
    store has been seen alive again. Values are bytes, times are seconds, a `ttl` of None means that the value stays.
    """

    @property
    def up(self) -> bool:
        """Whether the last that was heard of it was good."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes see what is kept here."""
        ...

    async def begin(self) -> None:
        """Connect, for a second at most; a server calls it before it takes requests."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The value of a key, None when there is none."""
        ...

    async def set(self, key: str, value: bytes, ttl: float | None) -> None:
        """Keep a value."""
        ...

    async def add(self, key: str, value: bytes, ttl: float | None) -> bool:
        """Keep a value unless there is one; whether it was kept."""
        ...

    async def swap(self, key: str, before: bytes | None, after: bytes, ttl: float | None) -> bool:
        """Replace a value only while it is `before` (None: while there is none); whether it was replaced."""
        ...

    async def renew(self, key: str, value: bytes, ttl: float) -> bool:
        """Let a key stay for another `ttl`, only while it holds `value`; whether it does."""
        ...

    async def release(self, key: str, value: bytes) -> bool:
        """Remove a key, only while it holds `value`; whether it did."""
        ...

    async def delete(self, *keys: str) -> None:
        """Remove keys."""
        ...

    def put(self, key: str, value: bytes, ttl: float | None, *, hurried: bool = False) -> None:
        """Keep a value without waiting for it; it is lost when the store is down.

        Others see it a millisecond later; one that is `hurried` before whoever waits for what comes next.
        """
        ...

    async def claim(
        self, flight: Flight, owner: bytes, lease: float, after: bytes = b"", meanwhile: Meanwhile | None = None
    ) -> Claim:
        """Ask for an answer; when there is none, become the one who makes it, unless somebody does already.

        `owner` is `OWNER_BYTES` long. `after` is the holder that was waited for: its result counts as the answer even
        if it may not be kept. With a `meanwhile` it goes at once and for itself, instead of with others', and that is
        called; unless others are about to go.
        """
        ...

    def extend(self, flight: Flight, owner: bytes, lease: float) -> None:
        """Go on holding a flight; not waited for."""
        ...

    def settle(self, flight: Flight, owner: bytes, value: Callable[[], bytes], ttl: float | None) -> None:
        """End a flight and wake those who joined it; not waited for, and the value is made when it is sent.

        With a `ttl` the value is kept as the answer; with None it is only for those who joined, if any did.
        """
        ...

    def charge(
        self,
        account: str,
        given: Sequence[str],
        ttl: float,
        *,
        hurried: bool = True,
        meanwhile: Meanwhile | None = None,
    ) -> Awaitable[bytes]:
        """Take from an account, or tell it what was used, in one step and on the server's clock: see `scripts.CHARGE`.

        Calls of one account are done in the order in which they are made. One that is not `hurried` goes a millisecond
        later, or with the next that is; `meanwhile` is as in `claim`.

        Raises:
            StoreDown: as ever, and where nothing is shared: then the process has its accounts to itself.
        """
        ...

    async def publish(self, channel: str, value: bytes) -> None:
        """Tell every subscriber, in every process."""
        ...

    def subscribe(self, channel: str, heard: Heard) -> Callable[[], None]:
        """Hear what is published from now on; gives what ends it."""
        ...

    async def aclose(self) -> None:
        """Let go of every connection."""
        ...
