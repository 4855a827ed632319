"""The only door to time and chance; everything that judges takes them as arguments instead."""

import os
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO

__all__ = ["SYSTEM", "Clock"]


_POOL = 4096
"""Random bytes that the kernel is asked for at once: a call for six costs more than signing an id with them."""


class _Pool:
    """Bytes that nobody can guess, each given once: a read of one `BytesIO` is one step for every thread."""

    __slots__ = ("_bytes",)

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)  # or the bytes of one worker would be another's too

    def forget(self) -> None:
        """Ask the kernel for others."""
        self._bytes = BytesIO()

    def token(self, count: int) -> bytes:
        """So many of them."""
        given = self._bytes.read(count)
        if len(given) == count:
            return given
        self._bytes = BytesIO(secrets.token_bytes(_POOL))
        return secrets.token_bytes(count)


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the house gets the time and its random numbers; tests hand in their own."""

    now: Callable[[], float] = time.perf_counter
    """Seconds on a clock that never goes back; only differences mean anything."""
    wall: Callable[[], float] = time.time
    """Seconds since 1970."""
    draw: Callable[[], float] = random.random
    """A number in [0, 1), for choices that need no secrecy."""
    token: Callable[[int], bytes] = _Pool().token
    """So many bytes that nobody can guess."""
    cpu: Callable[[], float] = time.process_time
    """Seconds that this process has computed, on a busy machine too; only differences mean anything."""


SYSTEM = Clock()
