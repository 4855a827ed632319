"""One command on its way to Redis, and who waits for what it comes to."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import hiredis

from router.store.protocol import Meanwhile, StoreDown

__all__ = ["Call", "pack"]

pack = cast("Callable[[tuple[str | bytes, ...]], bytes]", hiredis.pack_command)
"""Write a command as Redis reads it."""


class Call:
    """One command on its way."""

    __slots__ = ("at", "future", "hurried", "meanwhile", "moves", "packed", "text", "writes")

    def __init__(
        self,
        packed: bytes | Callable[[], bytes],
        future: "asyncio.Future[Any] | None",
        text: Callable[[], bytes] | None = None,
        *,
        writes: bool = True,
        hurried: bool = True,
    ) -> None:
        self.packed = packed
        """What is sent, or who makes it when it is."""
        self.future = future
        """None when nobody waits for the answer."""
        self.text = text
        """Gives the same command with the script's text, for a server that does not know its hash."""
        self.writes = writes
        """Whether a server that answers it takes what is written: a script may not have come to that."""
        self.hurried = hurried
        """Whether it goes now; if not, with the next command that does, within a millisecond."""
        self.meanwhile: Meanwhile | None = None
        """Where this is set it goes at once, unless others go with this turn, and this is called then."""
        self.at = 0.0
        """When it was asked, on the loop's clock; 0 when nobody minds how long it takes."""
        self.moves = 0

    def fail(self, why: str) -> None:
        """Nobody waits for its answer any more."""
        self.at = 0.0
        if self.future is not None and not self.future.done():
            self.future.set_exception(StoreDown(why))
