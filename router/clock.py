"""The only door to time and chance; everything that judges takes them as arguments instead."""

import random
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SYSTEM", "Clock"]


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the house gets the time and its random numbers; tests hand in their own."""

    now: Callable[[], float] = time.perf_counter
    """Seconds on a clock that never goes back; only differences mean anything."""
    wall: Callable[[], float] = time.time
    """Seconds since 1970."""
    draw: Callable[[], float] = random.random
    """A number in [0, 1), for choices that need no secrecy."""
    token: Callable[[int], bytes] = secrets.token_bytes
    """So many bytes that nobody can guess."""
    cpu: Callable[[], float] = time.process_time
    """Seconds that this process has computed, on a busy machine too; only differences mean anything."""


SYSTEM = Clock()
