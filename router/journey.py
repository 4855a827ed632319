"""What is noted of one request on its way, and becomes its outcome."""

from dataclasses import replace

from router.chat import ChatRequest, Completion, Usage
from router.clock import Clock
from router.conversation import Session
from router.decide import Candidate, Decision
from router.difficulty import Estimate
from router.ids import NONCE_BYTES, Signer, about
from router.outcome import Attempt, End, Found, Judgement, Outcome, Remembered, Result, cost_of, path_of
from router.plan import Route
from router.pricing import cost
from router.signals import Signals
from router.traceparent import Trace

__all__ = ["Journey"]

_NOBODY = ""
_MOVABLE = frozenset({"easy", "hard", "explore"})
"""Reasons of a start that another threshold might have moved."""


class Journey:
    """The notes on one request; `outcome` reads them at any time, and nothing else does."""

    __slots__ = (
        "_attempts",
        "_chunk",
        "_clock",
        "_first",
        "_id",
        "_paused",
        "_signer",
        "_started",
        "_wall",
        "answer",
        "cache",
        "cut",
        "decision",
        "drafts",
        "dropped",
        "estimate",
        "found",
        "given",
        "judgements",
        "policy",
        "request",
        "retrievals",
        "route",
        "session",
        "signals",
        "speaker",
        "stream",
        "tenant",
        "trace",
    )

    def __init__(
        self, clock: Clock, signer: Signer, policy: str, tenant: str | None = None, *, stream: bool = False
    ) -> None:
        self._clock = clock
        self._signer = signer
        self.policy = policy
        self._started = clock.now()
        self._wall = clock.wall()
        self._attempts: list[Attempt] = []
        self._first: float | None = None
        self._id: str | None = None
        self._chunk: float | None = None
        self._paused = 0.0
        self.tenant = tenant
        self.stream = stream
        self.route: Route | None = None
        self.request: ChatRequest | None = None
        self.signals: Signals | None = None
        self.estimate: Estimate | None = None
        self.decision: Decision | None = None
        self.answer: Completion | None = None
        self.drafts: dict[str, Completion] = {}
        self.session: Session | None = None
        self.speaker: int | None = None
        self.cache: Remembered = "off"
        self.cut: Completion | None = None
        self.found: Found | None = None
        self.judgements: list[Judgement] = []
        self.trace: Trace | None = None
        self.retrievals: list[tuple[str, str]] = []
        self.dropped: tuple[tuple[str, str], ...] = ()
        self.given: dict[str, str] = {}

    @property
    def now(self) -> float:
        """The moment, on the clock of everything that waits."""
        return self._clock.now()

    @property
    def place(self) -> int:
        """The place of the attempt noted last."""
        return len(self._attempts) - 1

    @property
    def elapsed(self) -> float:
        """Seconds since the request came."""
        return self._clock.now() - self._started

    @property
    def heard(self) -> Attempt | None:
        """The attempt that the client hears of so far."""
        if self._attempts:
            return self._attempts[-1 if self.speaker is None else self.speaker]
        return self.found

    @property
    def id(self) -> str:
        """The request's id, signed once: when it is first told to anybody."""
        return self._id or self._identified()

    @property
    def route_name(self) -> str | None:
        """None while it has no route."""
        return self.route.name if self.route else None

    @property
    def path(self) -> str:
        """Who was asked so far, and what became of it, as `Outcome.path`."""
        return path_of(self._attempts, self.speaker)

    @property
    def cost(self) -> float | None:
        """US dollars of every answer so far; None when any of them is unknown."""
        return cost_of(self._attempts, self.judgements)

    def note(
        self,
        asked: Candidate,
        result: Result,
        verdict: str = "ok",
        *,
        since: float,
        usage: Usage | None = None,
        trimmed: int = 0,
    ) -> None:
        """Note what became of asking a deployment, `since` so many seconds into the request."""
        price = asked.deployment.price
        self._attempts.append(
            Attempt(
                asked.tier.name,
                asked.deployment.name,
                result,
                verdict,
                usage,
                cost(price, usage),
                self._clock.now() - self._started - since,
                trimmed,
                cost(price, Usage(trimmed, 0)) if trimmed else None,
                self._chunk,
                since,
            )
        )
        self._chunk = None

    def first_chunk(self, seconds: float) -> None:
        """The attempt that is noted next is a stream, whose first chunk took so long."""
        self._chunk = seconds

    def paused(self, seconds: float) -> None:
        """So long was waited because a deployment asked for it, before it was asked again."""
        self._paused += seconds

    def amend(self, asked: Candidate, result: Result, verdict: str, usage: Usage | None) -> None:
        """Say how the last attempt ended, once a stream that was committed has."""
        paid = cost(asked.deployment.price, usage)
        place = -1 if self.speaker is None else self.speaker
        self._attempts[place] = replace(self._attempts[place], result=result, verdict=verdict, usage=usage, cost=paid)

    def cites(self, sources: tuple[str, ...]) -> None:
        """Say which chunks the last attempt was made with."""
        if sources:
            self._attempts[-1] = replace(self._attempts[-1], sources=sources)

    def redeem(self, place: int) -> None:
        """Serve an answer all the same that the next tier was to improve on."""
        self._attempts[place] = replace(self._attempts[place], result="served")
        self.speaker = place

    def answered(self) -> None:
        """The first byte of the answer leaves now."""
        self._first = self._clock.now() - self._started

    def outcome(self, status: int = 200, end: End = "ok", error: str | None = None) -> Outcome:
        """Everything that is known so far."""
        waited, route = self._paused, self.route
        for attempt in self._attempts:
            waited += attempt.waited
        elapsed = self._clock.now() - self._started
        return Outcome(
            self._id or self._identified(),
            self.policy,
            self._wall,
            route.name if route else None,
            route.kind if route else "route",
            self.tenant,
            self.stream,
            self.decision,
            tuple(self._attempts),
            status,
            end,
            error,
            elapsed,
            self._first,
            max(0.0, (self._first if self._first is not None else elapsed) - waited),
            route.state if route else "",
            self.request,
            self.signals,
            self.estimate,
            self.answer,
            self.drafts,
            self.session,
            self.speaker,
            self.cache,
            self.found,
            tuple(self.judgements) if self.judgements else (),
            self.trace,
            tuple(self.retrievals) if self.retrievals else (),
            self.dropped,
            self.given,
        )

    def _identified(self) -> str:
        decision, route, heard = self.decision, self.route, self.heard
        start, band, propensity = self.found.tier if self.found else _NOBODY, None, 1.0
        if decision is not None:
            start, propensity = decision.start, decision.propensity
            band = decision.band if decision.reason in _MOVABLE else None
        said = about(
            self.tenant or _NOBODY,
            (route.name, route.state) if route else (_NOBODY, ""),
            (start, band, propensity),
            heard.deployment if heard and heard.result == "served" else _NOBODY,
        )
        self._id = self._signer.sign(said, self._wall, self._clock.token(NONCE_BYTES))
        return self._id
