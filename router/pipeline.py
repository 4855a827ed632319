"""The life of one request: from a parsed body to a reply, on one page.

::

    consider    which route? what do its rules require? how hard is it? which tiers may answer, in which order, and why?
    board       was it answered before, or is somebody asking for the same? (inside the rules, before it is weighed)
    climb       ask them in that order, until an answer is good enough
    reply       what the client gets; closing it ends the request, and its outcome goes to whoever counts

A request only moves down, and nothing below calls back up. The first byte and every header leave together: until then
another tier may still answer, after that never.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from router import cache, rules, signals
from router.chat import ChatRequest
from router.clock import SYSTEM, Clock
from router.conversation import Session
from router.decide import Choosing, Decision, decide
from router.difficulty import Estimate
from router.errors import BadRequest, NotFound, Problem, names
from router.flights import Boarding, Flights
from router.ids import Signer
from router.journey import Journey
from router.outcome import Outcome
from router.plan import Plan, Route, Tier
from router.sessions import Sessions
from router.signals import Signals
from router.traceparent import TOKEN_BYTES, Trace
from router.upstream.climb import Climb, Served
from router.upstream.patience import patiently
from router.upstream.pool import Pool
from router.upstream.reply import Reply, Sink, refused, served

__all__ = ["ANYBODY", "Caller", "Considered", "Pipeline", "consider"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what they ask for in headers."""

    tenant: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    """The HTTP request's, names in lower case; for rules."""
    tier: str | None = None
    """`x-router-tier`."""
    threshold: float | None = None
    """`x-router-threshold`."""
    budget: float | None = None
    """`x-router-max-cost-usd`."""
    session: str | None = None
    """`x-router-session`."""


ANYBODY = Caller()


Thresholds = Callable[[str, str], Mapping[str, float]]
"""From a route's name and state to its thresholds in force, by tier; a tier that is missing has the policy's."""
NEVER = 1.0
"""A draw that never explores."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand when a request comes: all that its decision depends on, and neither it nor the policy says."""

    thresholds: Mapping[str, float] = field(default_factory=dict)
    """Those in force, by tier; a tier that is missing has the policy's."""
    session: Session | None = None
    """The conversation that it belongs to."""
    draw: float = NEVER
    """A number in [0, 1), for exploration."""


NOTHING_LEARNED = Standing()


def _the_policy_s(_route: str, _state: str) -> Mapping[str, float]:
    return NOTHING_LEARNED.thresholds


@dataclass(frozen=True, slots=True)
class Headed:
    """Where a request is headed: the route its rules lead to, and what they require there."""

    route: Route
    signals: Signals
    bounds: rules.Bounds


@dataclass(frozen=True, slots=True)
class Considered:
    """A decision, and what led to it."""

    route: Route
    signals: Signals
    bounds: rules.Bounds
    estimate: Estimate | None
    decision: Decision


def consider(plan: Plan, request: ChatRequest, caller: Caller = ANYBODY) -> Considered:
    """Decide, and ask nobody: what `smallfirst explain` shows is what would happen with what the policy says.

    Raises:
        Problem: there is no such route or tier, or no deployment that may answer.
    """
    headed = _head(plan, request, caller)
    return _weigh(headed, plan, request, caller, NOTHING_LEARNED)


def _head(plan: Plan, request: ChatRequest, caller: Caller) -> Headed:
    route = _named(plan, request.model)
    facts = signals.read(request, pii=plan.reads_pii)
    asked = rules.Asked(request, facts, caller.headers, caller.labels)
    bounds = rules.apply(route.rules, asked)
    while bounds.route is not None:
        route = plan.routes[bounds.route]
        bounds = rules.apply(route.rules, asked, bounds.require)
    return Headed(route, facts, bounds)


def _weigh(headed: Headed, plan: Plan, request: ChatRequest, caller: Caller, standing: Standing) -> Considered:
    route, facts, bounds = headed.route, headed.signals, headed.bounds
    estimate = route.estimate(request, facts) if route.estimate else None
    forced = None if route.kind == "deployment" else _forced(plan, caller.tier)  # a deployment is exactly that one
    choosing = Choosing(
        standing.thresholds,
        threshold=caller.threshold,
        forced=forced,
        pin=standing.session.pin if standing.session else None,
        caller=standing.session.caller if standing.session else None,
        deescalates=route.sessions is not None and route.sessions.deescalates,
        budget=caller.budget,
        draw=standing.draw,
    )
    decision = decide(request, facts, route, bounds=bounds, estimate=estimate, choosing=choosing)
    return Considered(route, facts, bounds, estimate, decision)


def _asked(request: ChatRequest, headed: Headed, caller: Caller) -> cache.Asked | None:
    """What may have a remembered answer; None: this is asked for itself."""
    if headed.route.remember is None:
        return None
    control = caller.headers.get("cache-control", "").lower()
    terms = cache.Terms(caller.tenant, caller.tier, caller.threshold, caller.budget, control)
    return cache.asked(request, headed.route, headed.bounds, terms)


def _named(plan: Plan, model: str) -> Route:
    if (route := plan.routes.get(model)) is not None:
        return route
    known = names(name for name, target in plan.routes.items() if target.kind == "route")
    raise NotFound(f"no route named '{model}'; this policy has {known}", param="model", code="model_not_found")


def _forced(plan: Plan, name: str | None) -> Tier | None:
    if name is None or name in plan.tiers:
        return plan.tiers[name] if name else None
    told = f"no tier named '{name}'; this policy has {names(plan.tiers)}"
    raise BadRequest(told, param="x-router-tier", code="tier_not_found")


@dataclass(frozen=True, slots=True)
class Memory:
    """What is kept from one request for the next."""

    flights: Flights | None = None
    """Answers, given again and under way; None: nothing is remembered, and nobody joins anybody."""
    sessions: Sessions | None = None
    """Conversations; None: this process's own."""


NO_MEMORY = Memory()


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
        self.traced: float | None = None
        """Of the traces that begin here, how many are kept; None: nobody traces."""
        self._signer = signer
        self._sessions = memory.sessions or Sessions(clock=clock)
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
            headed = _head(plan, request, caller)
        except Problem as told:
            return refused(told, journey, self.close)
        journey.route, journey.signals = headed.route, headed.signals  # known from here on, also to a refusal
        every = headed.route.keepalive if request.stream else None
        answering = self._answer(plan, pool, headed, request, caller=caller, journey=journey)
        return await (answering if every is None else patiently(answering, journey, every=every))

    async def _answer(
        self, plan: Plan, pool: Pool, headed: Headed, request: ChatRequest, *, caller: Caller, journey: Journey
    ) -> Reply:
        """Answer from memory, or with somebody else, or ask."""
        try:
            ask = partial(self._ask, plan, pool, headed, caller=caller, journey=journey)
            asked = _asked(request, headed, caller) if self._flights is not None else None
            if self._flights is None or asked is None:
                return served(await ask(request), request, journey, self.close)
        except Problem as told:
            return refused(told, journey, self.close)
        except asyncio.CancelledError:
            self.close(journey.outcome(499, "left", "client_left"))
            raise
        return await self._flights.board(Boarding(request, asked, ask, journey, self.close, plan))

    async def _ask(
        self, plan: Plan, pool: Pool, headed: Headed, request: ChatRequest, *, caller: Caller, journey: Journey
    ) -> Served:
        """Weigh a request, and ask until an answer is good enough."""
        standing = await self._standing(headed.route, request, caller)
        journey.session = standing.session
        considered = _weigh(headed, plan, request, caller, standing)
        journey.estimate, journey.decision = considered.estimate, considered.decision
        climb = Climb(request, journey, pool, self._clock, route=considered.route, decision=considered.decision)
        return await climb.run()

    async def consider(self, request: ChatRequest, caller: Caller = ANYBODY) -> Considered:
        """Decide, and ask nobody; unlike the function of that name, this knows the conversation.

        Raises:
            Problem: there is no such route or tier, or no deployment that may answer.
        """
        headed = _head(self.plan, request, caller)
        standing = await self._standing(headed.route, request, caller)
        return _weigh(headed, self.plan, request, caller, replace(standing, draw=NEVER))

    async def _standing(self, route: Route, request: ChatRequest, caller: Caller) -> Standing:
        """How things stand for a request on this route."""
        return Standing(
            self.thresholds(route.name, route.state),
            await self._sessions.find(route, request, caller.tenant, caller.session) if route.sessions else None,
            self._clock.draw() if route.explore else NEVER,
        )

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
            sink(outcome)
