"""From a policy to a plan: everything that it names, in one frozen value."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from router import rules
from router.assembly.routes import route_of, staying_of
from router.assembly.tiers import deployment_of, tier_of
from router.plan import Deployment, Kind, Plan, Route, Rung, Tier
from router.policy import Policy, load, schema
from router.pricing import PriceList

__all__ = ["plan_of", "read"]

_DEADLINE: float = schema.Route.model_fields["deadline"].default
"""Seconds for a request that names a tier or a deployment, as for a route that says nothing."""
_LEARNED_FROM = ("cascade", "difficulty", "calibration", "objectives")
"""What a route's thresholds and evidence are learned from, beside its tiers' models and `_SHAPES`."""
_SHAPES = ("deployments", "prompt", "params", "context")
"""What of a tier changes how good its answers are; its checks only change which of them are sent."""


def read(path: Path, environment: Mapping[str, str], *, now: float) -> tuple[Policy, Plan]:
    """Read a policy and everything it names.

    Raises:
        PolicyError: it is not a policy; every fault with its place.
        AssemblyError: a file it names cannot be used.
    """
    policy = load(path, environment)
    return policy, plan_of(policy, PriceList.installed(), now=now)


def plan_of(policy: Policy, prices: PriceList, *, now: float) -> Plan:
    """Compile a policy.

    Raises:
        AssemblyError: a model or calibration file cannot be used for the route that names it.
    """
    deployments = {name: deployment_of(name, spec, prices) for name, spec in policy.deployments.items()}
    tiers = {name: tier_of(name, spec, policy, deployments) for name, spec in policy.tiers.items()}
    routes = {name: route_of(name, spec, policy, tiers, deployments) for name, spec in policy.routes.items()}
    binding = _requirements(routes)
    routes |= {name: _only(tier, "tier", binding) for name, tier in tiers.items()}
    routes |= {name: _only(_bare(deployment), "deployment", binding) for name, deployment in deployments.items()}
    routes = {name: _identified(route, policy) for name, route in routes.items()}
    return Plan(
        version=policy.version_hash,
        routes=routes,
        tiers=tiers,
        deployments=deployments,
        reads_pii=any(rule.when.pii for route in policy.routes.values() for rule in route.rules),
        max_body=policy.server.max_body,
        max_inflight=policy.server.max_inflight,
        created=int(now),
    )


def _bare(deployment: Deployment) -> Tier:
    """A deployment that a client names is asked as it is: no prompt, no checks, no other."""
    return Tier(deployment.name, (deployment,), checks=(), hold=0, params={})


def _only(tier: Tier, kind: Kind, binding: tuple[rules.Rule, ...]) -> Route:
    rungs = (Rung(tier, 0.0),)
    return Route(
        tier.name,
        kind,
        rungs,
        estimate=None,
        rules=binding,
        deadline=_DEADLINE,
        sessions=staying_of(rungs, schema.Sessions()),
    )


def _requirements(routes: Mapping[str, Route]) -> tuple[rules.Rule, ...]:
    """What any route requires of a deployment: naming a tier or a deployment is no way around it."""
    every = (rule for route in routes.values() for rule in route.rules if rule.require)
    return tuple(replace(rule, start=None, route=None) for rule in every)


def _identified(route: Route, policy: Policy) -> Route:
    """The route with what tells its answers, and what was learned about it, from those of other times."""
    said = policy.routes[route.name].model_dump(mode="json") if route.kind == "route" else {}
    ladder = [rung.tier.name for rung in route.cascade] if route.kind != "deployment" else []
    tiers = {name: policy.tiers[name].model_dump(mode="json") for name in ladder}
    shapes = {name: {each: tier.get(each) for each in _SHAPES} for name, tier in tiers.items()}
    asked = [policy.deployments[d.name] for rung in route.cascade for d in rung.tier.deployments]
    models, addresses = [_served(spec) for spec in asked], [spec.base_url for spec in asked]
    return replace(
        route,
        state=policy.fingerprint([{each: said.get(each) for each in _LEARNED_FROM}, shapes, models]),
        answers=policy.fingerprint([said.get("handoff"), ladder, tiers, models, addresses]),
    )


def _served(spec: schema.Deployment) -> dict[str, Any]:
    """What is behind a deployment's name: the model, its tune, and what it is not told; not its price or its key."""
    tune = spec.tune.model_dump(mode="json", exclude={"refresh_due"}) if spec.tune else None
    dropped = {"drop": sorted(spec.drop)} if spec.drop else {}
    return {"model": spec.model, "provider": spec.provider, "tune": tune, **dropped}
