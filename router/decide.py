"""Which tiers may answer this request, in which order, and why. Pure: the same values give the same decision.

Hard constraints are never weighed against anything: labels that rules require cut the deployments down first, and what
is left is all that upstream ever sees. What a deployment is known not to support, or what does not fit its window, goes
next, then what costs more than it may. Among the tiers that remain the start is chosen: forced, by a rule, with whoever
called the tool whose result this is, the last one because the request is novel, by the session's pin, or by difficulty;
and where it is known how often a tier's answers
do not pass its checks, it is started at only if that is expected to cost less than starting at the next.

Where nothing but difficulty chose the start, a route may explore: a draw moves a few requests one tier down, and what
was decided says how likely that was. Otherwise nobody would ever learn how the requests above a threshold would fare
below it (Horvitz and Thompson, 1952: what was drawn with probability p stands for 1/p of its kind).
"""

import math
from collections.abc import Mapping
from dataclasses import field, replace

from router.chat import ChatRequest, Usage
from router.conversation import Pin, Session
from router.difficulty import Estimate
from router.errors import BadRequest, Forbidden, names
from router.frozen import frozen
from router.plan import Deployment, Route, Step, Tier
from router.pricing import cost
from router.rules import FREE, Bounds
from router.signals import Signals

__all__ = ["ASSUMED_OUTPUT", "NEVER", "NOTHING_LEARNED", "Candidate", "Decision", "Standing", "Step", "decide"]

ASSUMED_OUTPUT = 256
"""Output tokens that an estimate of cost assumes when the client sets no cap."""


NO_TOKENS = Usage(0, 0)
_NOTHING: frozenset[str] = frozenset()

NEVER = 1.0
"""A draw that never explores."""


@frozen
class Candidate:
    """Who is asked next: a deployment, for a tier, `after` so many seconds when it asked for that."""

    tier: Tier
    deployment: Deployment
    after: float = 0.0


@frozen
class Decision:
    """The tiers that may answer, in order, and why the first of them is the first."""

    steps: tuple[Step, ...]
    reason: str
    difficulty: float | None = None
    """The first tier's, when it was estimated."""
    threshold: float | None = None
    """The first tier's."""
    band: int | None = None
    novelty: float | None = None
    budget: float | None = None
    """US dollars the whole request may be expected to cost, whatever is tried."""
    expected: Usage = NO_TOKENS
    """The tokens one answer is expected to take."""
    propensity: float = 1.0
    """How likely it was to start at this tier, in (0, 1]; 1 where chance had no say."""
    below: tuple[Step, ...] = ()
    """The tiers under the start that could answer too, and which of their deployments may; only chance goes there."""
    bounds: Bounds = FREE
    """What the rules came to, which holds for whatever is done with the request later."""
    keeps: str | None = None
    """The deployment that is asked before the others of its tier."""
    warm: Pin | None = None
    """Whose prompt cache has read this conversation already, and how much of it."""
    start: str = field(init=False, repr=False, compare=False)
    """The tier that is asked first."""

    def expects(self, deployment: Deployment) -> Usage:
        """The tokens one answer of this deployment is expected to take."""
        return _expected_of(deployment, self.expected, self.warm)

    def __post_init__(self) -> None:
        """Every view tells where a request started, so it is looked up once."""
        self.start = self.steps[0].tier.name if self.steps else ""  # type: ignore[misc]


@frozen
class Standing:
    """How things stand when a request comes: what may move its start besides itself and the policy."""

    thresholds: Mapping[str, float] = field(default_factory=dict)
    """The thresholds in force, by tier; a tier that is missing has the policy's."""
    session: Session | None = None
    """The conversation that it belongs to: it starts where that stays, or goes on with who called a tool."""
    draw: float = NEVER
    """How the dice fell, from 0 to 1: below the route's rate of exploration, it explores."""
    threshold: float | None = None
    """The client's own, for this request only."""
    forced: Tier | None = None
    """The tier the client forced: it starts there, and never goes up."""
    budget: float | None = None
    """US dollars this request may be expected to cost."""

    @property
    def pin(self) -> Pin | None:
        """Where the conversation stays."""
        return self.session.pin if self.session is not None else None


NOTHING_LEARNED = Standing()


def decide(
    request: ChatRequest,
    facts: Signals,
    route: Route,
    *,
    bounds: Bounds = FREE,
    estimate: Estimate | None = None,
    standing: Standing = NOTHING_LEARNED,
) -> Decision:
    """Choose.

    Raises:
        Forbidden: no deployment carries the labels that the rules require.
        BadRequest: no tier is expected to cost as little as the client or the route allows.
    """
    steps = (Step(standing.forced, standing.forced.deployments),) if standing.forced else route.steps
    if bounds.require:
        steps = _permitted(steps, bounds.require)
    tokens, cap, session = facts.tokens, request.output_cap, standing.session
    needs, room = _needs(facts), tokens + (cap or 0)
    fits = not needs and room <= route.window and standing.forced is None
    able, narrowed = (steps, None) if fits else _able(steps, needs, room)
    expected = Usage(tokens, cap or ASSUMED_OUTPUT)
    budget = route.max_cost if standing.budget is None else _budget(route, standing.budget)
    steps = able if budget is None else _affordable(able, expected, budget, standing)
    start, reason = _start(steps, route, bounds, estimate, standing, expected=expected)
    if narrowed and reason in {"hard", "only", "novel"} and start == 0:
        reason = narrowed
    elif reason in {"hard", "novel"} and steps[-1].tier is not able[-1].tier:
        reason = "cost"
    difficulty, below, band, novelty = None, None, None, None
    if estimate is not None:
        difficulty, band, novelty = estimate.difficulty[0], estimate.band, estimate.novelty
        below = _below(0, route, standing)
    decision = Decision(
        steps[start:],
        reason,
        difficulty,
        below,
        band,
        novelty,
        budget,
        expected,
        1.0,
        steps[:start],
        bounds,
        _keeps(session, steps[start:]) if session is not None else None,
        session.pin if session is not None else None,
    )
    return _exploring(decision, route.explore, standing) if route.explore else decision


def _names(step: Step) -> list[str]:
    return [deployment.name for deployment in step.deployments]


def _keeps(session: Session, steps: tuple[Step, ...]) -> str | None:
    """Who called the tool, else who has the conversation in its prompt cache where the tier wants to make use of it."""
    pin = session.pin
    if session.caller or pin is None or not pin.tokens:
        return session.caller
    return next((pin.deployment for step in steps if step.tier.affinity and pin.deployment in _names(step)), None)


def _expected_of(deployment: Deployment, expected: Usage, pin: Pin | None) -> Usage:
    """What one answer takes here, where the deployment that answered last has read the conversation before."""
    if pin is None or not pin.tokens or pin.deployment != deployment.name:
        return expected
    return Usage(expected.input, expected.output, min(pin.tokens, expected.input))


def _permitted(ladder: tuple[Step, ...], require: Mapping[str, str]) -> tuple[Step, ...]:
    """Only the deployments that carry every label required; tiers that have none are gone."""
    wanted = require.items()
    steps = tuple(Step(step.tier, tuple(d for d in step.deployments if wanted <= d.labels.items())) for step in ladder)
    steps = tuple(step for step in steps if step.deployments)
    if not steps:
        labels = ", ".join(f"{name}: {value}" for name, value in wanted)
        tiers = names(step.tier.name for step in ladder)
        have = "has" if len(ladder) == 1 else "have"
        raise Forbidden(f"this route's rules require a deployment labelled {labels}, and {tiers} {have} none")
    return steps


def _able(steps: tuple[Step, ...], needs: frozenset[str], room: int) -> tuple[tuple[Step, ...], str | None]:
    """Leave out deployments that cannot do it; when none can, the last tier gets to say so itself.

    `room` is the tokens that a window must have. The second value is why tiers were left out, when any was.
    """
    able, reason = [], None
    for step in steps:
        tier = step.tier
        if room <= tier.window and (not needs or needs.isdisjoint(tier.lacks)):
            able.append(step)
            continue
        fits = [d for d in step.deployments if d.context_window is None or d.context_window >= room]
        kept = [d for d in fits if needs.isdisjoint(d.lacks)]
        if kept:
            able.append(step if len(kept) == len(step.deployments) else Step(tier, tuple(kept)))
        elif reason is None:
            reason = "context" if not fits else min(needs & frozenset().union(*(d.lacks for d in fits)))
    return (tuple(able) or steps[-1:]), reason


def _needs(facts: Signals) -> frozenset[str]:
    """What a deployment must be able to do."""
    tools = facts.tools or facts.tool_results
    if not (tools or facts.images or facts.audio or facts.json_schema):
        return _NOTHING
    said = {"tools": tools, "images": facts.images, "audio": facts.audio, "json_schema": facts.json_schema}
    return frozenset(need for need, needed in said.items() if needed)


def _budget(route: Route, theirs: float) -> float:
    """The client's, or the route's where that is less."""
    return theirs if route.max_cost is None else min(theirs, route.max_cost)


def _affordable(steps: tuple[Step, ...], expected: Usage, budget: float, standing: Standing) -> tuple[Step, ...]:
    """Leave out deployments that are expected to cost more than the budget; unknown prices stay."""
    kept = tuple(
        Step(step.tier, deployments)
        for step in steps
        if (deployments := tuple(d for d in step.deployments if _cost(d, expected, standing.pin) <= budget))
    )
    if not kept:
        theirs = budget == standing.budget
        limit = "raise x-router-max-cost-usd, or" if theirs else "that is the route's max_cost_usd;"
        message = f"no tier is expected to answer for {budget} USD; {limit} shorten the prompt or lower max_tokens"
        raise BadRequest(message, param="x-router-max-cost-usd" if theirs else None, code="max_cost_exceeded")
    return kept


def _start(
    steps: tuple[Step, ...],
    route: Route,
    bounds: Bounds,
    estimate: Estimate | None,
    standing: Standing,
    *,
    expected: Usage,
) -> tuple[int, str]:
    """The index of the first step to ask, and the reason."""
    if standing.forced:
        return 0, "forced"
    place = route.place
    if bounds.start is not None:
        return _not_below(steps, place, place[bounds.start]), f"rule:{bounds.rule}"
    session = standing.session
    caller, pin = (session.caller, session.pin) if session is not None else (None, None)
    if caller and (called := [i for i, step in enumerate(steps) if caller in _names(step)]):
        return called[0], "pinned"
    if len(route.cascade) == 1:
        return 0, "only"
    chosen, reason = _lowest(steps, route, estimate, standing, expected)
    least = _not_below(steps, place, place[pin.tier]) if pin is not None and pin.tier in place else 0
    if pin is None or least <= chosen:
        return chosen, reason
    staying = route.sessions
    leaves = staying is not None and staying.deescalates and _worth_it(steps[chosen], steps[least], expected, pin)
    return (chosen, reason) if leaves else (least, "pinned")


def _lowest(
    steps: tuple[Step, ...], route: Route, estimate: Estimate | None, standing: Standing, expected: Usage
) -> tuple[int, str]:
    """The lowest step that the request's difficulty allows and that pays, and the reason."""
    last, reason = len(steps) - 1, "hard"
    if estimate is None:
        return last, reason
    if route.scope is not None and estimate.novelty is not None and estimate.novelty > route.scope:
        return last, "novel"  # so far from what the model was trained on that its difficulty says nothing
    for i, step in enumerate(steps):
        place = route.place[step.tier.name]
        if place < len(route.cascade) - 1 and estimate.difficulty[place] < _below(place, route, standing):
            if estimate.p_escalate is None or _pays(steps[i:], estimate.p_escalate[place], expected, standing.pin):
                return i, "easy" if reason == "hard" else reason
            reason = "cost"
    return last, reason


def _exploring(decision: Decision, rate: float, standing: Standing) -> Decision:
    """One tier lower when the dice say so; otherwise the same, with how likely that was."""
    if not _may_explore(decision, standing):
        return decision
    if standing.draw >= rate:
        return replace(decision, propensity=1.0 - rate)
    return replace(
        decision,
        steps=(decision.below[-1], *decision.steps),
        below=decision.below[:-1],
        reason="explore",
        propensity=rate,
    )


def _may_explore(decision: Decision, standing: Standing) -> bool:
    """Whether nothing but its difficulty said where a request starts, and both tiers together can be paid."""
    said = decision.bounds.require or standing.pin is not None or standing.threshold is not None
    if said or decision.reason not in {"easy", "hard"} or not decision.below:
        return False
    if decision.budget is None:
        return True
    costs = [_cheapest(step, decision.expected, decision.warm) for step in (decision.below[-1], decision.steps[0])]
    return sum(math.inf if each is None else each for each in costs) <= decision.budget


def _pays(steps: tuple[Step, ...], p_escalate: float, expected: Usage, pin: Pin | None) -> bool:
    """Whether starting here costs less than starting one tier up; where that is not known, it is taken for granted.

    An answer that does not pass its checks is paid for, and so is the next tier's.
    """
    if len(steps) == 1:
        return True
    here, above = (_cheapest(step, expected, pin) for step in steps[:2])
    return here is None or above is None or here + p_escalate * above < above


def _worth_it(down: Step, here: Step, expected: Usage, pin: Pin) -> bool:
    """Whether one turn further down saves more than it costs to fill the prompt cache here again afterwards.

    So even a conversation that comes back up with its next turn has lost nothing.
    """
    stays, leaves = _cheapest(here, expected, pin), _cheapest(down, expected, pin)
    filled = next((d for d in here.deployments if d.name == pin.deployment), None)
    lost = (cost(filled.price, expected) or 0.0) - _cost(filled, expected, pin) if filled else 0.0
    return stays is not None and leaves is not None and leaves + lost < stays


def _cheapest(step: Step, expected: Usage, pin: Pin | None) -> float | None:
    """What a tier is expected to cost in US dollars; None when none of its prices is known."""
    costs = [cost(deployment.price, _expected_of(deployment, expected, pin)) for deployment in step.deployments]
    return min((each for each in costs if each is not None), default=None)


def _cost(deployment: Deployment, expected: Usage, pin: Pin | None) -> float:
    """What an answer is expected to cost here; nothing where nobody knows."""
    return cost(deployment.price, _expected_of(deployment, expected, pin)) or 0.0


def _not_below(steps: tuple[Step, ...], place: Mapping[str, int], least: int) -> int:
    """The first step that stands at or above a place in the cascade; the last when none does."""
    return next((i for i, step in enumerate(steps) if place[step.tier.name] >= least), len(steps) - 1)


def _below(place: int, route: Route, standing: Standing) -> float:
    """The threshold of the tier at this place: the client's, the one in force, or the policy's."""
    if standing.threshold is not None:
        return standing.threshold
    rung = route.cascade[place]
    return standing.thresholds.get(rung.tier.name, rung.below)
