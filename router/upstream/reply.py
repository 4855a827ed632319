"""What the client gets: status and headers, then a body or a stream's events. Closing it ends the request, once."""

from collections.abc import AsyncIterator, Callable

from router.chat import ChatRequest
from router.errors import Problem, StreamBroken
from router.journey import Journey
from router.outcome import End, Outcome, headers
from router.upstream.climb import Live, Served
from router.upstream.failure import Failure
from router.verify import judge

__all__ = ["Reply", "refused", "served"]

Sink = Callable[[Outcome], None]


class Reply:
    """The answer to one request, or the error it came to. Whoever gets it closes it.

    The headers are final: they leave together with `body`, or with the first of `events()`.
    """

    __slots__ = ("_end", "_error", "_journey", "_live", "_sink", "body", "headers", "status")

    def __init__(
        self, journey: Journey, sink: Sink, content_type: str, *, body: bytes = b"", told: Problem | None = None
    ) -> None:
        self.status = 200
        self.body = body
        self.headers = [(b"content-type", content_type.encode())]
        self._end: End = "ok"
        self._error: str | None = None
        if told is not None:
            self.status, self._end, self._error = told.status, "error", told.code
            extra = {"content-type": content_type, **told.headers}  # an upstream's error has a type of its own
            self.headers = [(name.encode(), value.encode()) for name, value in extra.items()]
        self.headers += headers(journey)
        self._journey = journey
        self._sink: Sink | None = sink
        self._live: tuple[Live, ChatRequest] | None = None

    @property
    def streams(self) -> bool:
        """Whether the answer is in `events()` instead of `body`."""
        return self._live is not None

    @property
    def patience(self) -> float:
        """Seconds until a stream has to be over."""
        return self._live[0].stream.until - self._journey.now if self._live else 0.0

    def follow(self, live: Live, request: ChatRequest) -> "Reply":
        """Let the answer come from a stream."""
        self._live = live, request
        self._end = "left"  # unless it comes to an end of its own
        return self

    async def events(self) -> AsyncIterator[bytes]:
        """A stream's bytes as they come; when it cannot be finished, one error event is the last."""
        if self._live is None:
            return
        live, _ = self._live
        try:
            async for part in live.stream.forward():
                yield part
            live.succeeded()
            self._journey.answer = answer = live.stream.answer.completion()
            verdict = judge(answer, live.given, live.candidate.tier.checks)
            self._journey.amend(live.candidate, "served", verdict.reason, live.stream.answer.usage)
            self._end = "ok"
        except Failure as failure:
            live.failed(self._journey.now)
            self._end, self._error = "broken", StreamBroken.code
            self._journey.amend(live.candidate, "failed", failure.reason, live.stream.answer.usage)
            self._journey.cut = live.stream.answer.completion()
            yield StreamBroken(f"the answer broke off ({failure.reason}): what came until here is not complete").event()
        except Exception:  # ours: nobody has left, and the deployment is not to blame
            self._end, self._error = "broken", "internal_error"
            self._journey.amend(live.candidate, "failed", "internal", live.stream.answer.usage)
            yield StreamBroken("internal error; the server's log says more", code="internal_error").event()
            raise

    def fault(self) -> None:
        """Count it as a fault of ours: whoever tells the answer could not."""
        self._end, self._error = ("broken" if self.streams else "error"), "internal_error"
        self.status = self.status if self.streams else Problem.status

    async def aclose(self, *, left: bool = False) -> None:
        """End the request: the upstream is let go, and the outcome counted. `left`: the client was gone before that."""
        if (sink := self._sink) is None:
            return
        self._sink = None
        live = self._live[0] if self._live is not None else None
        if live is not None and self._end == "left":
            self._journey.amend(live.candidate, "left", "left", live.stream.answer.usage)
            self._journey.cut = live.stream.answer.completion()
        if left and self._end == "ok":
            self._end = "left"
        status, error = (499, "client_left") if self._end == "left" else (self.status, self._error)
        try:
            sink(self._journey.outcome(status, self._end, error))
        finally:  # last, because an upstream may take its time to end what is complete
            if live is not None:
                await live.aclose()


def served(answer: Served, request: ChatRequest, journey: Journey, sink: Sink) -> Reply:
    """An answer that was good enough."""
    journey.answered()
    reply = Reply(journey, sink, answer.content_type, body=answer.body)
    return reply.follow(answer.live, request) if answer.live else reply


def refused(told: Problem, journey: Journey, sink: Sink) -> Reply:
    """An error, which is never streamed; whatever is known by then is in its headers too."""
    journey.stream = False
    return Reply(journey, sink, "application/json", body=told.body(), told=told)
