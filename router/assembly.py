"""From a policy to a plan: files read, prices looked up, rules compiled, models loaded."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from router import calibration, comparing, difficulty, rules
from router.calibration import Calibration, CalibrationError
from router.control import Aims, Floor, Ground, Scale
from router.conversation import Session
from router.difficulty import Estimator, Learned, Model, ModelError, learned
from router.plan import ALL, Deployment, Kind, Plan, Referee, Remember, Route, Rung, Shadowing, Staying, Steering, Tier
from router.policy import Policy, aside, formats, load, schema
from router.policy.source import spelled
from router.pricing import Listed, Price, PriceList
from router.prompts import Context, Handoff, Prompt
from router.verify import Judge, compiled

__all__ = ["AssemblyError", "plan_of", "read"]

_DEADLINE: float = schema.Route.model_fields["deadline"].default
"""Seconds for a request that names a tier or a deployment, as for a route that says nothing."""
_MARKS_FOR_CLAUDE = frozenset({"bedrock", "openrouter", "vertex_ai"})
"""Providers that hand Anthropic's marks on, for its models; others have caches of their own that need none."""
_LEARNED_FROM = ("cascade", "difficulty", "calibration", "objectives")
"""What a route's thresholds and evidence are learned from, beside its tiers' models and `_SHAPES`."""
_SHAPES = ("deployments", "prompt", "params", "context")
"""What of a tier changes how good its answers are; its checks only change which of them are sent."""
_SCOPE = 0.99
"""The novelty beyond which a trained model's estimates are not relied on, where the policy says nothing."""
_COLD_START = 0.25
"""The share of requests after which the first tier is asked aside while nobody knows how good it is."""
_NOTHING_LISTED = Listed(price=None, context_window=None, tools=None, images=None, schema=None, audio=None)


class AssemblyError(ValueError):
    """A policy reads well, but what it names cannot be used; one line says what and where."""


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
    deployments = {name: _deployment(name, spec, prices) for name, spec in policy.deployments.items()}
    tiers = {name: _tier(name, spec, policy, deployments) for name, spec in policy.tiers.items()}
    routes = {name: _route(name, spec, policy, tiers) for name, spec in policy.routes.items()}
    routes = {
        name: replace(route, shadow=_shadow(policy.routes[name], policy, deployments)) for name, route in routes.items()
    }
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


def _deployment(name: str, spec: schema.Deployment, prices: PriceList) -> Deployment:
    """What the policy says, and where it is silent what LiteLLM's list says."""
    silent = spec.price is None or spec.context_window is None
    listed = (prices.look_up(spec.model, spec.provider) if silent else None) or _NOTHING_LISTED
    knows = {
        "tools": (spec.supports.tools, listed.tools),
        "images": (spec.supports.images, listed.images),
        "audio": (spec.supports.audio, listed.audio),
        "json_schema": (spec.supports.json_schema, listed.schema),
    }
    return Deployment(
        name=name,
        model=spec.model,
        base_url=spec.base_url,
        provider=spec.provider,
        api_key=spec.api_key,
        price=_price(spec.price) or listed.price,
        context_window=spec.context_window or listed.context_window,
        concurrency=spec.concurrency,
        spills=spec.when_full == "spill",
        timeout=spec.timeout,
        breaker=spec.breaker,
        labels=dict(spec.labels),
        lacks=frozenset(need for need, (said, known) in knows.items() if (known if said is None else said) is False),
        tune=spec.tune,
        drop=frozenset(spec.drop),
    )


def _price(spec: schema.Price | schema.HourlyPrice | None) -> Price | None:
    match spec:
        case schema.HourlyPrice():
            return Price.of_host(spec.per_hour)
        case schema.Price():
            return Price(spec.input, spec.output, spec.cached_input)
        case None:
            return None


def _tier(name: str, spec: schema.Tier, policy: Policy, deployments: Mapping[str, Deployment]) -> Tier:
    prompts = {each: _prompt(spec, policy, policy.deployments[each]) for each in spec.deployments}
    params = _params(spec.params, policy)
    checks = compiled(spec.checks, imposed_format=params.get("response_format"), read=policy.read_text)
    return Tier(
        name=name,
        deployments=tuple(deployments[deployment] for deployment in spec.deployments),
        checks=checks,
        hold=ALL if spec.hold == "all" else spec.hold,
        params=params,
        prompts={each: prompt for each, prompt in prompts.items() if prompt is not None},
        handoff=Handoff.of(spec.handoff, policy) if spec.handoff else None,
        judge=next((check for check in checks if isinstance(check, Judge)), None),
        context=Context.of(spec.context, policy) if spec.context else None,
        affinity=spec.balance == "affinity",
    )


def _prompt(tier: schema.Tier, policy: Policy, deployment: schema.Deployment) -> Prompt | None:
    """What a deployment's requests get in addition: what its tune was trained with, else what its tier says."""
    spec = (deployment.tune and deployment.tune.prompt) or tier.prompt
    provider = deployment.provider
    marks = provider == "anthropic" or (provider in _MARKS_FOR_CLAUDE and "claude" in deployment.model)
    return Prompt.of(spec, policy, marks=marks) if spec else None


def _params(spec: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    """A tier's params, with the response format that a file holds."""
    name = spec.get("response_format")
    return (
        {**spec, "response_format": formats.read(name, policy.read_bytes(name))} if isinstance(name, str) else {**spec}
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
        sessions=_staying(rungs, schema.Sessions()),
    )


def _staying(rungs: tuple[Rung, ...], spec: schema.Sessions) -> Staying | None:
    """How conversations stay where they are; None where there is only one place."""
    deployments = [deployment for rung in rungs for deployment in rung.tier.deployments]
    if len({deployment.name for deployment in deployments}) == 1:
        return None
    return Staying(
        Session(spec.idle, rungs[0].tier.name),
        pins=spec.pin,
        deescalates=spec.deescalate,
        affinity=any(rung.tier.affinity for rung in rungs),
        mixed=len({deployment.voice for deployment in deployments}) > 1,
    )


def _requirements(routes: Mapping[str, Route]) -> tuple[rules.Rule, ...]:
    """What any route requires of a deployment: naming a tier or a deployment is no way around it."""
    every = (rule for route in routes.values() for rule in route.rules if rule.require)
    return tuple(replace(rule, start=None, route=None) for rule in every)


def _route(name: str, spec: schema.Route, policy: Policy, tiers: Mapping[str, Tier]) -> Route:
    compiled = tuple(
        rules.Rule(
            rule.name,
            rules.conditions(rule.when, policy.read_text(rule.when.system) if rule.when.system else None),
            dict(rule.require or {}),
            rule.start,
            rule.route,
        )
        for rule in spec.rules
    )
    estimate = _estimator(name, spec, policy) if len(spec.cascade) > 1 else None
    model = learned(estimate)
    rungs = _rungs(name, spec, policy, tiers, model)
    return Route(
        name,
        "route",
        rungs,
        estimate,
        compiled,
        spec.deadline,
        max_cost=spec.max_cost_usd,
        handoff=Handoff.of(spec.handoff, policy) if spec.handoff else None,
        explain=model.explain if model else None,
        scope=_scope(name, spec, policy, model),
        steering=_steering(name, spec, policy, model),
        keepalive=spec.keepalive,
        sessions=_staying(rungs, spec.sessions),
        remember=_remember(spec.cache.exact, [tiers[rung.tier] for rung in spec.cascade]),
        explore=spec.explore.rate,
    )


def _steering(name: str, spec: schema.Route, policy: Policy, model: Learned | None) -> Steering | None:
    """How control may move this route's first threshold; None where nothing is aimed for, or nothing was learned."""
    aims, limits = spec.objectives, spec.control
    if aims is None or model is None:
        return None
    quality, latency, cost, escalations = (
        aims.quality,
        aims.latency_p95_seconds,
        aims.cost_per_request_usd,
        aims.escalation_rate,
    )
    bound = _calibration(name, spec, policy, model)
    ground = Ground(
        Scale.of(model.quantiles, limits.bounds),
        Aims(
            Floor(quality.min, quality.confidence) if quality else None,
            latency.max if latency else None,
            cost.max if cost else None,
            escalations.max if escalations else None,
        ),
        bound.threshold if bound else None,
        limits.window,
        limits.evidence,
        limits.step,
    )
    return Steering(ground, limits.mode == "apply", limits.every)


def _remember(spec: schema.Exact | None, tiers: Sequence[Tier]) -> Remember | None:
    """Which answers are given again: how hot a request is, and what else it says, depends on who may answer it."""
    if spec is None or (not spec.model_fields_set and any(tier.context for tier in tiers)):
        return None  # what is retrieved may be new with every request; who knows that it is not says for how long
    prompts = [prompt for tier in tiers for prompt in tier.prompts.values()]
    return Remember(
        spec.ttl,
        spec.sampled,
        spec.max_size,
        max(_number(tier.params.get("temperature"), otherwise=1.0) for tier in tiers),
        frozenset(name for tier in tiers for name in tier.params),
        any(prompt.reads_metadata for prompt in prompts),
    )


def _number(value: object, *, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else otherwise


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


def _estimator(name: str, spec: schema.Route, policy: Policy) -> Estimator:
    names = tuple(rung.tier for rung in spec.cascade)
    if isinstance(spec.difficulty, float):
        return difficulty.constant(spec.difficulty, len(names))
    if spec.difficulty == "builtin":
        return difficulty.builtin(names)
    try:
        return difficulty.load(policy.path(spec.difficulty), names)
    except ModelError as error:
        raise _refused(policy, ("routes", name, "difficulty"), str(error)) from error


def _rungs(
    name: str, spec: schema.Route, policy: Policy, tiers: Mapping[str, Tier], model: Learned | None
) -> tuple[Rung, ...]:
    """The tiers of a cascade with their thresholds, whatever way they are written."""
    auto = _calibration(name, spec, policy, model)
    rungs: list[Rung] = []
    started = 0.0
    for index, said in enumerate(spec.cascade):
        below = 0.0
        if said.below == "auto":
            below = auto.threshold if auto else 0.0
        elif said.below is not None:
            below = said.below
        elif said.share is not None and model is not None:
            found = difficulty.threshold(model, min(1.0, started + said.share), index)
            if found is None:
                told = "a model file remembers what was difficult for its first tier only; write below"
                raise _refused(policy, ("routes", name, "cascade", index, "share"), told)
            below = found
        rungs.append(Rung(tiers[said.tier], below))
        if model is not None and index < len(spec.cascade) - 1:
            started = max(started, difficulty.share_below(model, below, index) or 0.0)
    return tuple(rungs)


def _calibration(name: str, spec: schema.Route, policy: Policy, model: Learned | None) -> Calibration | None:
    """What `below: auto` stands for; None when the policy names none."""
    if spec.calibration is None or model is None:
        return None
    if isinstance(model, Model) and model.origins and model.origins != difficulty.origins(policy, model.tiers):
        return None  # It is about the answers of other models, tunes or prompts.
    content, place = policy.read_bytes(spec.calibration), str(policy.path(spec.calibration))
    try:
        return calibration.read(content, place, model=model.hash, tiers=model.tiers)
    except CalibrationError as error:
        raise _refused(policy, ("routes", name, "calibration"), str(error)) from error


def _scope(name: str, spec: schema.Route, policy: Policy, model: Learned | None) -> float | None:
    """The novelty beyond which requests start at the last tier; None where the model cannot tell."""
    if isinstance(model, Model) and model.distances:
        return spec.scope.novelty if spec.scope else _SCOPE
    if spec.scope and model is not None:
        told = "this model file cannot tell what is novel; train it again, or remove scope"
        raise _refused(policy, ("routes", name, "scope"), told)
    return None


def _shadow(spec: schema.Route, policy: Policy, deployments: Mapping[str, Deployment]) -> Shadowing | None:
    """What is asked aside; a route that waits for its calibration asks its first tier whatever the policy says."""
    waits = spec.cascade[0].below == "auto" and spec.calibration is None
    said = spec.shadow or (schema.Shadow(rate={spec.cascade[-1].tier: _COLD_START}) if waits else None)
    if said is None or len(spec.cascade) == 1:
        return None
    return Shadowing(
        {rung.tier: said.rate_of(rung.tier) for rung in spec.cascade},
        said.usd_per_hour,
        said.concurrency,
        None if said.compare == "auto" or said.compare == "judge" else said.compare,  # noqa: PLR1714  mypy reads this
        _referee(said.judge, policy, deployments) if said.judge else None,
        always_judges=said.compare == "judge",
    )


def _referee(spec: aside.Judge, policy: Policy, deployments: Mapping[str, Deployment]) -> Referee:
    prompt = policy.read_text(spec.prompt) if spec.prompt else comparing.default_prompt()
    return Referee(deployments[spec.deployment], prompt)


def _refused(policy: Policy, path: tuple[str | int, ...], message: str) -> AssemblyError:
    """Say in one line what cannot be used, and where the policy names it."""
    file, line = policy.where(*path)
    return AssemblyError(f"{file}:{line} {spelled(path)}: {' '.join(message.split())}")
