"""A stream whose client is kept waiting: comments keep its connection open until there is something to say.

The first comment commits the status and the headers, while it is not known yet who will answer. Until then nothing is
different; afterwards what fails is an error event, as it is behind the first word of any other stream.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine

from typing_extensions import override

from router.chat import ChatRequest
from router.errors import Problem
from router.journey import Journey
from router.sse import COMMENT
from router.upstream.climb import EVENTS, Served
from router.upstream.reply import Reply, Sink, served

__all__ = ["Patient", "patiently"]


class Patient(Reply):
    """A stream that has begun before anybody has answered."""

    __slots__ = ("_coming", "_request", "_until")

    def __init__(
        self, coming: asyncio.Task[Served], request: ChatRequest, journey: Journey, sink: Sink, *, until: float
    ) -> None:
        super().__init__(journey, sink, {"content-type": EVENTS}, early=True)
        self._coming = coming
        self._request = request
        self._until = until

    @property
    @override
    def streams(self) -> bool:
        """It is a stream, whoever answers."""
        return True

    @property
    @override
    def patience(self) -> float:
        """Seconds until the request has to be over."""
        return self._until - self._journey.now

    @override
    async def _events(self) -> AsyncIterator[bytes]:
        yield COMMENT
        try:
            answer = await self._coming
        except Problem as told:
            self._end, self._error = "error", told.code
            yield told.event()
            return
        self._journey.answered()
        if answer.live is not None:
            self.follow(answer.live, self._request)
        async for part in super()._events():
            yield part

    @override
    async def _stop(self) -> None:
        await super()._stop()
        if self._live is None:
            await _abandon(self._coming)


async def patiently(
    climbing: Coroutine[None, None, Served],
    request: ChatRequest,
    journey: Journey,
    sink: Sink,
    *,
    every: float,
    until: float,
) -> Reply:
    """Wait for an answer, and begin the stream without one after `every` seconds; `until`: when it has to be over.

    Raises:
        Problem: it came to an error before that.
    """
    coming = asyncio.create_task(climbing)
    try:
        await asyncio.wait({coming}, timeout=every)
    except asyncio.CancelledError:
        await _abandon(coming)
        raise
    if coming.done():
        reply = served(coming.result(), request, journey, sink)
    else:
        reply = Patient(coming, request, journey, sink, until=until)
    reply.every = every
    return reply


async def _abandon(coming: asyncio.Task[Served]) -> None:
    """Nobody waits for this any more: stop asking, and let go of an answer that came all the same."""
    if coming.cancel():
        await asyncio.wait({coming})
    if not coming.cancelled() and coming.exception() is None and (live := coming.result().live) is not None:
        await live.aclose()
