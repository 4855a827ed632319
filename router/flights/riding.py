"""What each of those who share an answer gets: the leader its own reply, everybody else the same as their own."""

from collections.abc import AsyncIterator

from typing_extensions import override

from router.cache import Asked, Entry
from router.cache.replay import as_stream, as_whole, without_usage
from router.flights.flight import Flight
from router.flights.tape import Reader, Tape
from router.journey import Journey
from router.outcome import Found, Result
from router.upstream.reply import Reply, Sink, refused

__all__ = ["EVENTS", "Leading", "joining", "remembered"]

EVENTS = "text/event-stream; charset=utf-8"


class Leading(Reply):
    """The leader's: headers and outcome are those of the one call that was made."""

    __slots__ = ("_asked", "_flight", "_given", "_reader")

    def __init__(self, flight: Flight, reply: Reply, asked: Asked) -> None:
        self._reader = flight.tape.reader() if flight.tape is not None else None
        self._given = reply
        self._flight = flight
        self._asked = asked
        self.status = reply.status
        self.headers = reply.headers
        self.body = reply.body

    @property
    @override
    def streams(self) -> bool:
        return self._flight.tape is not None

    @property
    @override
    def patience(self) -> float:
        return self._given.patience

    @override
    def events(self) -> AsyncIterator[bytes]:
        return self._given.events() if self._reader is None else _shown(self._reader, self._asked)

    @override
    def fault(self) -> None:
        self._flight.faulty = True

    @override
    async def aclose(self, *, left: bool = False) -> None:
        flight = self._flight
        cut_off = flight.tape is not None and not flight.tape.ended
        flight.leader_left(left=left or cut_off)
        if self._reader is not None:
            self._reader.close()
        flight.leave()


class Following(Reply):
    """A stream that somebody else's request brings in, or once brought in."""

    __slots__ = ("_asked", "_flight", "_reader")

    def __init__(self, journey: Journey, sink: Sink, tape: Tape, asked: Asked, flight: Flight | None) -> None:
        super().__init__(journey, sink, EVENTS)
        self._reader = tape.reader()
        self._asked = asked
        self._flight = flight
        self._end = "left"  # unless it comes to an end of its own

    @property
    @override
    def streams(self) -> bool:
        return True

    @property
    @override
    def patience(self) -> float:
        """As long as the leader has; what is remembered is all there, and its client takes it within a minute."""
        given = self._flight.reply if self._flight else None
        return given.patience if given else 60.0

    @override
    async def events(self) -> AsyncIterator[bytes]:
        async for part in _shown(self._reader, self._asked):
            yield part
        outcome = self._flight.outcome if self._flight else None
        self._end, self._error = ("ok", None) if outcome is None else (outcome.end, outcome.error)
        if outcome is not None:
            self._journey.answer = outcome.answer

    @override
    async def aclose(self, *, left: bool = False) -> None:
        flight, self._flight = self._flight, None
        await super().aclose(left=left)
        self._reader.close()
        if flight is not None:
            flight.leave()


def _shown(reader: Reader, asked: Asked) -> AsyncIterator[bytes]:
    """A stream's events as this client wants to see them."""
    return reader.parts(None if asked.usage else without_usage)


def remembered(entry: Entry, asked: Asked, journey: Journey, sink: Sink) -> Reply:
    """An answer that somebody got before, in the form that was asked for."""
    journey.found = _given(entry, "served")
    journey.answered()
    if asked.stream:
        events = entry.body if entry.stream else as_stream(entry.body, usage=True)
        return Following(journey, sink, Tape(events, ended=True), asked, None)
    body = as_whole(entry.body) if entry.stream else entry.body
    kind = "application/json" if entry.stream else entry.content_type
    return Reply(journey, sink, kind, body=body)


def joining(flight: Flight, asked: Asked, journey: Journey, sink: Sink) -> Reply:
    """What a flight that somebody else leads has come to."""
    if flight.told is not None:
        flight.leave()
        if flight.entry is not None and flight.entry.deployment:
            journey.found = _given(flight.entry, "failed")
        return refused(flight.told, journey, sink)
    if flight.tape is not None:
        leading = flight.journey.outcome()
        if (last := leading.heard) is not None:
            journey.found = Found(
                last.tier,
                last.deployment,
                "served",
                cost=0.0,
                sources=last.sources,
                request=leading.id,
                path=leading.path,
            )
        journey.answered()
        return Following(journey, sink, flight.tape, asked, flight)
    flight.leave()
    assert flight.entry is not None  # noqa: S101
    reply = remembered(flight.entry, asked, journey, sink)
    journey.answer = flight.outcome.answer if flight.outcome else None
    return reply


def _given(entry: Entry, result: Result) -> Found:
    """Where an answer or an error comes from."""
    return Found(
        entry.tier,
        entry.deployment,
        result,
        usage=entry.usage,
        cost=0.0,
        sources=entry.sources,
        request=entry.request,
        path=entry.path,
    )
