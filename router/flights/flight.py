"""One request under way, on behalf of all who share it: it ends when it is answered, or when the last has left."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

from router.cache import Entry
from router.chat import ChatRequest
from router.errors import Problem
from router.flights.tape import Tape
from router.journey import Journey
from router.outcome import Outcome, Remembered
from router.upstream.climb import Served
from router.upstream.reply import Reply, Sink

__all__ = ["Ask", "Flight"]

Ask = Callable[[ChatRequest], Awaitable[Served]]
"""Asks upstream for a request; raises `Problem`."""


class Flight:
    """What became of it, and who waits for that. Whoever rides it leaves it, once."""

    __slots__ = (
        "_closed",
        "_leader_gone",
        "_sink",
        "_waiting",
        "abandoned",
        "cache",
        "entry",
        "fault",
        "faulty",
        "journey",
        "key",
        "landed",
        "leased",
        "loop",
        "outcome",
        "reply",
        "riders",
        "tape",
        "task",
        "told",
    )

    def __init__(
        self, key: tuple[str, bool], journey: Journey, sink: Sink, abandoned: "Callable[[Flight], None]"
    ) -> None:
        """`key`: what others find it by. `journey`: the leader's, whose outcome goes to `sink`.

        `abandoned` is called when the last has left.
        """
        self.key = key
        self.loop = asyncio.get_running_loop()
        self.journey = journey
        self._sink = sink
        self.abandoned = abandoned
        self._waiting: list[asyncio.Future[None]] = []
        self.landed = False
        """Whether it is known what they get."""
        self._leader_gone: bool | None = None
        self._closed = False
        self.riders = 0
        self.leased = False
        """Whether other servers wait for what becomes of it."""
        self.task: asyncio.Task[None] | None = None
        self.cache: Remembered = "miss"
        """What its leader is told of the cache."""
        self.reply: Reply | None = None
        """What upstream said, with the leader's headers; None when nobody was asked."""
        self.told: Problem | None = None
        """The error it came to."""
        self.tape: Tape | None = None
        """A stream's events."""
        self.entry: Entry | None = None
        """The answer as others get it; None of a stream."""
        self.outcome: Outcome | None = None
        """The leader's, once upstream has ended."""
        self.fault: Exception | None = None
        """A fault of ours."""
        self.faulty = False
        """Whether the leader's client could not be told, by a fault of ours."""

    def land(self) -> None:
        """Wake everybody: it is known what they get."""
        self.landed = True
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def wait(self) -> None:
        """Ride until it is known.

        Raises:
            Exception: a fault of ours, for everybody who waits.
        """
        if not self.landed:
            waiting = self.loop.create_future()
            self._waiting.append(waiting)
            await waiting
        if self.fault is not None:
            raise self.fault

    def leave(self) -> None:
        """Somebody does not ride it any more."""
        self.riders -= 1
        if self.riders == 0:
            self.abandoned(self)

    @property
    def leaderless(self) -> bool:
        """Whether the leader's client has gone, and others may still ride it."""
        return bool(self._leader_gone)

    def leader_left(self, *, left: bool) -> None:
        """The leader's reply is closed; `left`: its client was gone before that."""
        self._leader_gone = left
        self._close()

    def ended(self, outcome: Outcome | None) -> None:
        """Upstream has ended; the leader's outcome is complete."""
        self.outcome = outcome
        self._close()

    def _close(self) -> None:
        """Count the leader's request, once both its client and upstream are done with it."""
        if self._closed or self.outcome is None or self._leader_gone is None:
            return
        self._closed = True
        outcome = self.outcome
        if self.faulty:
            if self.tape is not None:
                outcome = replace(outcome, end="broken", error="internal_error")
            else:
                outcome = replace(outcome, status=Problem.status, end="error", error="internal_error")
        elif self._leader_gone and outcome.end == "ok":
            outcome = replace(outcome, status=499, end="left", error="client_left")
        self._sink(outcome)
