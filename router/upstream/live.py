"""An answer that is good enough: whole, or a stream that has been committed, with the place it takes."""

from typing_extensions import override

from router.chat import ChatRequest, Completion
from router.decide import Candidate
from router.frozen import frozen
from router.health import Breaker
from router.upstream.pool import Member
from router.upstream.stream import Stream

__all__ = ["EVENTS", "Draft", "Drafted", "Live", "Served"]

EVENTS = "text/event-stream; charset=utf-8"


class Live:
    """A committed stream and the place it takes at its deployment; closing it gives both back."""

    __slots__ = ("_sent", "candidate", "given", "member", "stream")

    def __init__(
        self, stream: Stream, member: Member, candidate: Candidate, sent: Breaker | None, *, given: ChatRequest
    ) -> None:
        """`given` is the request as it was asked, with the sources that it was asked with."""
        self.given = given
        self.stream = stream
        self.member = member
        self.candidate = candidate
        self._sent = sent

    def failed(self, now: float) -> None:
        """It broke off."""
        self.member.failed(now)

    def succeeded(self) -> None:
        """It came to its end."""
        self.member.succeeded()

    async def aclose(self) -> None:
        """Let go of the upstream, whatever state it is in."""
        try:
            await self.stream.aclose()
        finally:
            self.member.leave(self._sent)


class Drafted(Live):
    """A stream that had ended when it was found wanting: its place was given back then, and its deployment judged."""

    __slots__ = ()

    @override
    def failed(self, now: float) -> None:
        """It cannot: it is all there."""

    @override
    def succeeded(self) -> None:
        """It has been counted."""

    @override
    async def aclose(self) -> None:
        """Let go of what is left of it."""
        await self.stream.aclose()


@frozen
class Served:
    """The answer that was good enough: whole, or live."""

    content_type: str
    body: bytes = b""
    live: Live | None = None


@frozen
class Draft:
    """An answer that was not good enough, kept in case nobody has a better one."""

    served: Served
    completion: Completion
    candidate: Candidate
    given: ChatRequest
    place: int
    """Which of the attempts it was."""
