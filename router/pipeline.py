"""The life of one request: from a parsed body to a reply, on one page.

::

    consider    which route? what do its rules require? how hard is it? which tiers may answer, in which order, and why?
    limits      may this key ask for this now?
    board       was it answered before, or is somebody asking the same? (inside the rules; if alone, weighed meanwhile)
    climb       ask them in that order, until an answer is good enough
    reply       what the client gets; closing it ends the request, and its outcome goes to whoever counts

A request only moves down, and nothing below calls back up. The first byte and every header leave together: until then
another tier may still answer, after that never.
"""

import asyncio
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from router import cache, signals
from router.chat import ChatRequest
from router.clock import SYSTEM, Clock
from router.consider import ANYBODY, NEVER, NOTHING_LEARNED, Caller, Considered, Headed, Standing, head, weigh
from router.conversation import Session
from router.decide import ASSUMED_OUTPUT
from router.errors import Problem
from router.flights import Boarding, Flights
from router.ids import Signer
from router.journey import Journey
from router.limits import Held, Limits, charged
from router.log import say
from router.outcome import Outcome
from router.plan import Plan, Route
from router.policy.limits import Allowance
from router.sessions import Sessions
from router.store import Meanwhile
from router.traceparent import TOKEN_BYTES, Trace
from router.upstream.climb import Climb, Served
from router.upstream.patience import patiently
from router.upstream.pool import Pool
from router.upstream.reply import Reply, Sink, refused, served

__all__ = ["Memory", "Pipeline", "settling"]


Thresholds = Callable[[str, str], Mapping[str, float]]
"""From a route's name and state to its thresholds in force, by tier; a tier that is missing has the policy's."""


def _the_policy_s(_route: str, _state: str) -> Mapping[str, float]:
    return NOTHING_LEARNED.thresholds


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept from one request for the next."""

    flights: Flights | None = None
    """Answers, given again and under way; None: nothing is remembered, and nobody joins anybody."""
    sessions: Sessions | None = None
    """Conversations; None: this process's own."""
    limits: Limits | None = None
    """What keys have used of their limits; None: this process's own."""


NO_MEMORY = Memory()


@dataclass(slots=True)
class _Case:
    """One request on its way down, while nobody knows yet who will answer it."""

    plan: Plan
    pool: Pool
    headed: Headed
    request: ChatRequest
    caller: Caller
    journey: Journey
    close: Sink
    """Whoever counts it."""
    weighed: Considered | None = None
    """What came of it ahead, with these `thresholds`."""
    thresholds: Mapping[str, float] | None = None


def _most_output(request: ChatRequest) -> int:
    """About how many tokens a request's answers may have together."""
    return max(0, request.output_cap or ASSUMED_OUTPUT) * max(1, request.body.get("n") or 1)


def settling(held: Held, journey: Journey, plan: Plan, close: Sink) -> Sink:
    """Say what a request has used once it has ended, then count it."""

    def settle(outcome: Outcome) -> None:
        held.settle(charged(outcome, plan.deployments, prompt=held.prompt, cut=journey.cut))
        close(outcome)

    return settle


def _nothing() -> None:
    """What there is to do meanwhile when nobody says so."""


class Pipeline:
    """Takes requests through one plan; a reload swaps plan and pool together, between two requests."""

    def __init__(
        self,
        plan: Plan,
        pool: Pool,
        signer: Signer,
        sinks: Sequence[Sink] = (),
        clock: Clock = SYSTEM,
        *,
        memory: Memory = NO_MEMORY,
    ) -> None:
        """Hand outcomes to `sinks`."""
        self._flights = memory.flights
        self.plan = plan
        self.pool = pool
        self.thresholds: Thresholds = _the_policy_s
        """Asked for the thresholds in force of every request's route and state."""
        self.anybody: Allowance | None = None
        """What all may ask for and spend together, where nobody has a key."""
        self.traced: float | None = None
        """Of the traces that begin here, how many are kept; None: nobody traces."""
        self.alone: Callable[[], bool] = lambda: True
        """Whether nobody else is being answered."""
        self.meanwhile: Meanwhile = _nothing
        """Called when a request that is alone is about to wait for a deployment."""
        self._signer = signer
        self._sessions = memory.sessions or Sessions(clock=clock)
        self.limits = memory.limits or Limits(clock=clock)
        """What keys may ask for and spend."""
        self._sinks = (self._sessions.remember, *sinks)
        self._clock = clock

    def swap(self, plan: Plan, pool: Pool) -> None:
        """Serve the requests that come from now on with these."""
        self.plan, self.pool = plan, pool

    async def complete(self, request: ChatRequest, caller: Caller = ANYBODY) -> Reply:
        """Answer a request. What goes wrong is a reply too; only a client who leaves ends this early."""
        plan, pool = self.plan, self.pool
        journey = self.begin(caller, stream=request.stream)
        journey.request = request
        try:
            headed = head(plan, request, caller)
        except Problem as told:
            return refused(told, journey, self.close)
        journey.route, journey.signals = headed.route, headed.signals  # what is known by now, also to a refusal
        every = headed.route.keepalive if request.stream else None
        case = _Case(plan, pool, headed, request, caller, journey, self.close)
        allowance = caller.allowance or self.anybody
        answering = self._answer(case) if allowance is None else self._limited(case, allowance)
        return await (answering if every is None else patiently(answering, journey, every=every))

    async def _limited(self, case: _Case, allowance: Allowance) -> Reply:
        """Answer if its key may ask for this now."""
        journey = case.journey
        prompt = output = 0
        if allowance.tokens is not None:
            facts = case.headed.signals or signals.read(case.request, pii=case.plan.reads_pii)
            case.headed = replace(case.headed, signals=facts)
            prompt, output = facts.tokens, _most_output(case.request)
        try:
            free = case.headed.route.remember is None and self.alone()  # else there will be time when memory is asked
            held = await self.limits.take(allowance, prompt, output, partial(self._ahead, case) if free else None)
        except Problem as told:
            journey.route = journey.signals = None  # turned away at the door, and no failure of the route
            return refused(told, journey, self.close)
        except asyncio.CancelledError:
            self.close(journey.outcome(499, "left", "client_left"))
            raise
        case.close = settling(held, journey, case.plan, self.close)
        try:
            reply = await self._answer(case)
        except Exception:  # nobody counts it: a fault of ours
            held.release()
            raise
        reply.headers += held.headers
        return reply

    async def _answer(self, case: _Case) -> Reply:
        """Answer from memory, or with somebody else, or ask."""
        headed, request, journey = case.headed, case.request, case.journey
        try:
            asked = None
            if self._flights is not None and headed.route.remember is not None:
                asked = cache.asked(request, headed.route, headed.bounds, case.caller)
            if self._flights is None or asked is None:
                return served(await self._ask(case, request), request, journey, case.close)
        except Problem as told:
            return refused(told, journey, case.close)
        except asyncio.CancelledError:
            case.close(journey.outcome(499, "left", "client_left"))
            raise
        ask, ahead = partial(self._ask, case), partial(self._ahead, case) if self.alone() else None
        return await self._flights.board(Boarding(request, asked, ask, ahead, journey, case.close, case.plan))

    def _ahead(self, case: _Case) -> None:
        """Weigh a request while it is not known yet whether it was answered before, unless its conversation is old."""
        route, caller = case.headed.route, case.caller
        session = self._sessions.begun(route, case.request, caller.tenant, caller.session)
        if session is not None or route.sessions is None:
            with suppress(Exception):  # what is wrong is told when somebody is asked, if anybody is
                case.thresholds = self.thresholds(route.name, route.state)
                case.weighed = self._weigh(case, session, case.thresholds)

    async def _ask(self, case: _Case, request: ChatRequest) -> Served:
        """Weigh a request, and ask until an answer is good enough; `request` is how it goes upstream."""
        considered, route = case.weighed, case.headed.route
        thresholds = self.thresholds(route.name, route.state)
        if considered is None or thresholds != case.thresholds:  # they may have moved while another server was asking
            considered = self._weigh(case, await self._session(route, request, case.caller), thresholds)
        journey = case.journey
        journey.session, journey.signals = considered.session, considered.signals
        journey.estimate, journey.decision = considered.estimate, considered.decision
        climb = Climb(request, journey, case.pool, self._clock, route=considered.route, decision=considered.decision)
        if self.alone():
            self.meanwhile()
        return await climb.run()

    async def consider(self, request: ChatRequest, caller: Caller = ANYBODY) -> Considered:
        """Decide, and ask nobody; unlike `consider.consider`, this knows the conversation and the thresholds in force.

        Raises:
            Problem: there is no such route or tier, or no deployment that may answer.
        """
        headed = head(self.plan, request, caller)
        session = await self._session(headed.route, request, caller)
        standing = Standing(self.thresholds(headed.route.name, headed.route.state), session)
        return weigh(headed, self.plan, request, caller, standing)

    async def _session(self, route: Route, request: ChatRequest, caller: Caller) -> Session | None:
        """The conversation that a request on this route belongs to."""
        return await self._sessions.find(route, request, caller.tenant, caller.session) if route.sessions else None

    def _weigh(self, case: _Case, session: Session | None, thresholds: Mapping[str, float]) -> Considered:
        """Weigh a request as things stand on its route."""
        draw = self._clock.draw() if case.headed.route.explore else NEVER
        standing = Standing(thresholds, session, draw)
        return weigh(case.headed, case.plan, case.request, case.caller, standing)

    def refuse(self, told: Problem, caller: Caller = ANYBODY) -> Reply:
        """Turn a request away that never got a route."""
        return refused(told, self.begin(caller), self.close)

    def begin(self, caller: Caller, *, stream: bool = False) -> Journey:
        """Start taking notes on a request."""
        journey = Journey(self._clock, self._signer, self.plan.version, caller.tenant, stream=stream)
        if self.traced is not None:
            token = self._clock.token(TOKEN_BYTES)
            journey.trace = Trace.of(caller.headers.get("traceparent"), token, self.traced)
        return journey

    def left(self, caller: Caller = ANYBODY) -> None:
        """Count a client who left before the request was whole."""
        self.close(self.begin(caller).outcome(499, "left", "client_left"))

    def close(self, outcome: Outcome) -> None:
        """Hand a request's outcome to whoever counts: once, when its reply closes."""
        for sink in self._sinks:
            try:
                sink(outcome)
            except Exception:  # noqa: BLE001  one that is at fault keeps neither the others nor a client waiting
                say(f"internal error: {traceback.format_exc()}")
