"""What is decided about a request before anybody is asked: where it is headed, and which tiers may answer it.

Nothing here waits. What a decision depends on beside the request and the policy is handed in as one value, `Standing`:
the thresholds in force, the conversation it belongs to, and a draw.
"""

from collections.abc import Mapping
from dataclasses import field, replace

from router import rules, signals
from router.chat import ChatRequest
from router.conversation import Session
from router.decide import NEVER, NOTHING_LEARNED, Decision, Standing, decide
from router.difficulty import Estimate
from router.errors import BadRequest, NotFound, names
from router.frozen import frozen
from router.plan import Plan, Route, Tier
from router.policy.faults import did_you_mean
from router.policy.limits import Allowance
from router.signals import Signals

__all__ = [
    "ANYBODY",
    "NEVER",
    "NOTHING_LEARNED",
    "Caller",
    "Considered",
    "Headed",
    "Standing",
    "consider",
    "forced",
    "head",
    "holding",
    "named",
    "weigh",
]


@frozen
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
    control: str = ""
    """`cache-control`."""
    allowance: Allowance | None = None
    """How much the key may ask for and spend; None: as much as it likes."""


ANYBODY = Caller()

_FEW = 8
"""Routes that a sentence can name."""
_LONGEST_NAME = 64
"""Characters that a name in a policy may have."""


@frozen
class Headed:
    """Where a request is headed: the route its rules lead to, and what they require there."""

    route: Route
    bounds: rules.Bounds = rules.FREE
    signals: Signals | None = None
    """None where no rule asks for them: what is answered from memory is not looked at."""
    via: tuple[tuple[str, str], ...] = ()
    """Every route that handed it on, and the rule by which it did."""


@frozen
class Considered:
    """A decision, and what led to it."""

    route: Route
    signals: Signals
    bounds: rules.Bounds
    estimate: Estimate | None
    decision: Decision
    via: tuple[tuple[str, str], ...] = ()
    """Every route that handed it on, and the rule by which it did."""
    session: Session | None = None
    """The conversation that it belongs to."""


def consider(plan: Plan, request: ChatRequest, caller: Caller = ANYBODY) -> Considered:
    """Decide, and ask nobody: what `smallfirst explain` shows is what would happen with what the policy says.

    Raises:
        Problem: there is no such route or tier, or no deployment that may answer.
    """
    headed = head(plan, request, caller)
    return weigh(headed, plan, request, caller, NOTHING_LEARNED)


def head(plan: Plan, request: ChatRequest, caller: Caller) -> Headed:
    """Find the route that a request takes, and what its rules require there.

    Raises:
        NotFound: there is no such route.
    """
    route = named(plan, request.model)
    held = route.rules if caller.tier is None else holding(plan, route, caller.tier)
    if not held:
        return Headed(route)
    facts = signals.read(request, pii=plan.reads_pii)
    asked = rules.Asked(request, facts, caller.headers, caller.labels)
    bounds = rules.apply(held, asked)
    via: list[tuple[str, str]] = []
    while bounds.route is not None:
        via.append((route.name, bounds.rule or ""))
        route = plan.routes[bounds.route]
        bounds = rules.apply(route.rules, asked, bounds.require)
    return Headed(route, bounds, facts, tuple(via))


def weigh(headed: Headed, plan: Plan, request: ChatRequest, caller: Caller, standing: Standing) -> Considered:
    """Estimate how hard it is, and choose the tiers that may answer.

    Raises:
        Problem: no deployment may answer, or there is no such tier.
    """
    route, bounds, session = headed.route, headed.bounds, standing.session
    facts = headed.signals or signals.read(request, pii=plan.reads_pii)
    estimate = route.estimate(request, facts) if route.estimate else None
    if caller.tier is not None or caller.threshold is not None or caller.budget is not None:
        chosen = None if caller.tier is None else forced(plan, route, caller.tier)
        standing = replace(standing, threshold=caller.threshold, forced=chosen, budget=caller.budget)
    decision = decide(request, facts, route, bounds=bounds, estimate=estimate, standing=standing)
    return Considered(route, facts, bounds, estimate, decision, headed.via, session)


def named(plan: Plan, model: str) -> Route:
    """The route of a name.

    Raises:
        NotFound: there is none.
    """
    if (route := plan.routes.get(model)) is not None:
        return route
    told = f"no route named '{model}'"
    if len(known := [name for name, target in plan.routes.items() if target.kind == "route"]) <= _FEW:
        told += f"; this policy has {names(known)}"
    hint = did_you_mean(model, plan.routes) if len(model) <= _LONGEST_NAME else ""  # comparing takes its time
    told += f"; {hint} GET /v1/models lists every name" if hint else "; GET /v1/models lists every name"
    raise NotFound(told, param="model", code="model_not_found")


def holding(plan: Plan, route: Route, tier: str) -> tuple[rules.Rule, ...]:
    """The rules that hold where a client chooses a tier: the route's, and what holds for whoever names that tier."""
    target = plan.routes.get(tier) if tier in plan.tiers else None
    return route.rules if target is None else (*route.rules, *target.rules)


def forced(plan: Plan, route: Route, name: str) -> Tier | None:
    """The tier of a name; None where there is none to choose: who names a deployment gets exactly that one.

    Raises:
        BadRequest: there is no such tier.
    """
    if route.kind == "deployment":
        return None
    if name in plan.tiers:
        return plan.tiers[name]
    told = f"no tier named '{name}'; this policy has {names(plan.tiers)}"
    raise BadRequest(told, param="x-router-tier", code="tier_not_found")
