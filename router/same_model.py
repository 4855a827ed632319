"""Which deployments may embed these texts? One tier's, of one model, inside the rules.

Vectors of two models cannot be compared, and nobody notices when they are: a search merely finds the wrong things. So
nothing here chooses between models. A name in `model` stands for one tier, and a tier for the model of its first
deployment; a route of several tiers stands for none. What the rules require still holds; a rule that would lead to
another model is an error, because it would do so for some texts and not for others.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from router import rules, signals
from router.chat import ChatRequest, Usage
from router.consider import Caller, forced, holding, named
from router.decide import Decision, Step
from router.embeddings import EmbeddingRequest
from router.errors import BadRequest, Forbidden, names
from router.frozen import frozen
from router.plan import Deployment, Plan, Route, Tier
from router.pricing import cost
from router.rules import Asked, Bounds, Rule

__all__ = ["Target", "aimed", "asked", "bounded", "chosen", "handed", "held", "readable"]

_A_SLICE = 50_000
"""Characters after which whoever reads texts may let others have their turn."""


@frozen
class Target:
    """Who is to embed, and whose rules hold."""

    route: Route
    """Whose rules, deadline and most cost hold: the one that `model` names, or where its rules led."""
    told: Route
    """Whose name the request goes by: the tier's, where a client chose one of several."""
    tier: Tier
    forced: bool
    """Whether the client chose the tier."""

    @property
    def model(self) -> str:
        """Whose vectors they are."""
        return self.tier.deployments[0].model

    @property
    def alike(self) -> list[Deployment]:
        """The deployments of that model."""
        return [deployment for deployment in self.tier.deployments if deployment.model == self.model]

    def carries(self, require: Mapping[str, str]) -> bool:
        """Whether all of them have these labels anyhow."""
        return all(require.items() <= deployment.labels.items() for deployment in self.alike)


def aimed(plan: Plan, request: EmbeddingRequest, caller: Caller) -> Target:
    """Find what a request is aimed at.

    Raises:
        NotFound: there is nothing by this name.
        BadRequest: it names a route of several tiers, or a tier that there is not.
    """
    route = named(plan, request.model)
    tier = forced(plan, route, caller.tier) if caller.tier is not None else None
    if tier is not None:
        only = len(route.cascade) == 1 and route.cascade[0].tier is tier
        bound = replace(route, rules=holding(plan, route, tier.name))
        return Target(bound, route if only else plan.routes[tier.name], tier, forced=True)
    return Target(route, route, _only_tier(route), forced=False)


def _only_tier(route: Route) -> Tier:
    if len(route.cascade) == 1:
        return route.cascade[0].tier
    tiers = names(rung.tier.name for rung in route.cascade)
    told = (
        f"route '{route.name}' has the tiers {tiers}, and embeddings are never mixed: name one of them as 'model', "
        "or in x-router-tier"
    )
    raise BadRequest(told, param="model", code="tier_not_chosen")


def readable(target: Target, request: EmbeddingRequest) -> None:
    """Make sure that rules can be told what they look at, where they make a difference.

    Raises:
        BadRequest: one looks at texts, and the client sends token ids.
    """
    if request.texts:
        return
    reading = (rule for rule in target.route.rules if rule.reads_text)
    rule = next((rule for rule in reading if rule.route or not target.carries(rule.require)), None)
    if rule is not None:
        told = f"rule '{rule.name}' looks at the text, and token ids cannot be read: send the texts themselves"
        raise BadRequest(told, param="input", code="text_required")


def asked(request: EmbeddingRequest, caller: Caller, *, pii: bool) -> Iterator[list[Asked]]:
    """Yield what rules may look at, one value for each text, some at a time.

    A text is what a conversation of one user turn would be, so that every condition means what it means for those.
    """
    made, size = list[Asked](), 0
    extra = {"metadata": request.metadata} if request.metadata else {}
    for text, length in zip(
        request.texts or ("",) * request.count, request.lengths or (0,) * request.count, strict=True
    ):
        said = ChatRequest({"messages": [{"role": "user", "content": text}], **extra}, request.model)
        facts = signals.read(said, pii=pii)
        made.append(Asked(said, replace(facts, tokens=length) if length else facts, caller.headers, caller.labels))
        size += len(text) + 1_000
        if size > _A_SLICE:
            yield made
            made, size = [], 0
    if made:
        yield made


def held(every: Sequence[Rule], texts: Sequence[Asked]) -> set[int]:
    """The places of the rules that hold for any of these texts."""
    return {place for place, rule in enumerate(every) if any(all(holds(text) for holds in rule.when) for text in texts)}


def bounded(every: Sequence[Rule], holding: set[int], require: Mapping[str, str], anything: Asked) -> Bounds:
    """What rules come to that hold for some of a request's texts: they hold for the request."""
    kept = [replace(rule, when=()) for place, rule in enumerate(every) if place in holding]
    return rules.apply(kept, anything, require)


def handed(plan: Plan, target: Target, bounds: Bounds) -> Target:
    """The target where a rule hands a request on to another route.

    Raises:
        BadRequest: other vectors would come of it.
    """
    route = plan.routes[bounds.route or ""]
    if target.forced:
        return replace(target, route=route)
    tier = route.cascade[0].tier
    if len(route.cascade) == 1 and tier.deployments[0].model == target.model:
        return Target(route, route, tier, forced=False)
    told = (
        f"rule '{bounds.rule}' sends this to route '{route.name}', which does not serve '{target.model}' alone, and "
        f"vectors of two models cannot be compared: embed all of such a collection with one 'model'"
    )
    raise BadRequest(told, param="model", code="model_would_change")


def chosen(target: Target, bounds: Bounds, request: EmbeddingRequest, caller: Caller) -> Decision:
    """Choose the deployments that may embed: of the tier's model, permitted, and not too dear.

    Raises:
        Forbidden: none carries the labels that the rules require.
        BadRequest: none is expected to cost as little as the client or the route allows.
    """
    tier, model, wanted = target.tier, target.model, bounds.require.items()
    kept = [deployment for deployment in target.alike if wanted <= deployment.labels.items()]
    if not kept:
        labels = ", ".join(f"{name}: {value}" for name, value in wanted)
        told = f"this route's rules require a deployment labelled {labels}, and '{tier.name}' has none for '{model}'"
        raise Forbidden(told)
    budget, expected = _budget(target.route, caller), Usage(0, 0)
    if budget is not None:
        expected = Usage(request.tokens(), 0)
        kept = [each for each in kept if (cost(each.price, expected) or 0.0) <= budget]
        if not kept:
            raise _too_dear(budget, caller)
    reason = "forced" if target.forced else "only"
    return Decision((Step(tier, tuple(kept)),), reason, budget=budget, expected=expected, bounds=bounds)


def _budget(route: Route, caller: Caller) -> float | None:
    """US dollars that it may be expected to cost."""
    given = [most for most in (route.max_cost, caller.budget) if most is not None]
    return min(given, default=None)


def _too_dear(budget: float, caller: Caller) -> BadRequest:
    theirs = budget == caller.budget
    limit = "raise x-router-max-cost-usd, or" if theirs else "that is the route's max_cost_usd;"
    told = f"nobody is expected to embed this for {budget} USD; {limit} send fewer texts at once"
    return BadRequest(told, param="x-router-max-cost-usd" if theirs else None, code="max_cost_exceeded")
