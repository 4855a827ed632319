"""A stream whose client is kept waiting: comments keep its connection open until there is something to say.

The first comment commits the status and the headers, while it is not known yet who will answer. Until then nothing is
different; afterwards what fails is an error event, as it is behind the first word of any other stream.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import suppress
from dataclasses import replace

import orjson
from typing_extensions import override

from router.errors import Problem
from router.journey import Journey
from router.outcome import headers
from router.sse import COMMENT, commented, encode
from router.upstream.climb import EVENTS
from router.upstream.reply import Reply

__all__ = ["Patient", "patiently"]


class Patient(Reply):
    """A stream that has perhaps begun before anybody has answered."""

    __slots__ = ("_coming", "_early", "_every", "_giving", "_left")

    def __init__(self, coming: asyncio.Task[Reply], journey: Journey, *, every: float) -> None:
        """Begin now; what has not come by now is told as it comes, with a comment after `every` seconds without it."""
        self._coming = coming
        self._every = every
        self._giving: AsyncGenerator[bytes, None] | None = None
        self._early = not coming.done()
        if self._early:
            known = replace(journey.outcome(), attempts=(), speaker=None)  # who was asked so far may not be who answers
            self.status, self.body = 200, b""
            self.headers = [(b"content-type", EVENTS.encode()), *headers(known)]
            self._left = journey.route.deadline - journey.elapsed if journey.route else 0.0
        else:
            given = coming.result()
            self.status, self.body, self.headers, self._left = given.status, given.body, given.headers, given.patience

    @property
    @override
    def streams(self) -> bool:
        """What came in time may be an error, which is none."""
        return self._early or self._coming.result().streams

    @property
    @override
    def patience(self) -> float:
        """Seconds until it has to be over, as it began."""
        return self._left

    @override
    def events(self) -> AsyncIterator[bytes]:
        """What comes, and comments meanwhile."""
        self._giving = commented(self._parts(), self._every)
        return self._giving

    async def _parts(self) -> AsyncIterator[bytes]:
        if self._early:
            yield COMMENT
        given = await self._coming
        if given.streams:
            async for part in given.events():
                yield part
        else:
            status, given.status = given.status, self.status  # which is what its client saw
            yield _event(given.body, status)

    @override
    def fault(self) -> None:
        if self._coming.done() and not self._coming.cancelled() and self._coming.exception() is None:
            self._coming.result().fault()

    @override
    async def aclose(self, *, left: bool = False) -> None:
        """End the request, and whoever is still being asked."""
        coming = self._coming
        try:
            if self._giving is not None:
                await self._giving.aclose()
        finally:
            if not coming.done():
                coming.cancel()  # whoever answers there counts it as left
                await asyncio.wait({coming})
            if not coming.cancelled() and coming.exception() is None:
                await coming.result().aclose(left=left)


async def patiently(answering: Coroutine[None, None, Reply], journey: Journey, *, every: float) -> Reply:
    """Wait for a reply; after `every` seconds begin the stream without it."""
    coming = asyncio.create_task(answering)
    try:
        await asyncio.wait({coming}, timeout=every)
    except asyncio.CancelledError:
        await _stopped(coming)
        raise
    return Patient(coming, journey, every=every)


async def _stopped(coming: asyncio.Task[Reply]) -> None:
    """Nobody waits for this any more."""
    if coming.cancel():
        await asyncio.wait({coming})
    if not coming.cancelled() and coming.exception() is None:
        await coming.result().aclose(left=True)


def _event(body: bytes, status: int) -> bytes:
    """An error's body as an event: on one line, and ours where clients of a stream could not read it."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = None
    if isinstance(said, dict) and "error" in said:
        with suppress(orjson.JSONEncodeError):  # it writes less deep than it reads
            return encode(orjson.dumps(said))
    return encode(Problem(f"the upstream answered {status}").body())
