"""Who is asked first: a route's cascade, with the rules, the model and the thresholds that decide it."""

from collections.abc import Mapping, Sequence

from router import calibration, comparing, difficulty, rules
from router.assembly.refusal import refused
from router.calibration import Calibration, CalibrationError
from router.control import Aims, Floor, Ground, Scale
from router.conversation import Session
from router.difficulty import Builtin, Estimator, Learned, ModelError, learned
from router.plan import Deployment, Referee, Remember, Route, Rung, Shadowing, Staying, Steering, Tier
from router.policy import Policy, aside, schema
from router.prompts import Handoff

__all__ = ["route_of", "staying_of"]

_SCOPE = 0.99
"""The novelty beyond which a trained model's estimates are not relied on, where the policy says nothing."""
_COLD_START = 0.25
"""The share of requests after which the first tier is asked aside while nobody knows how good it is."""


def route_of(
    name: str, spec: schema.Route, policy: Policy, tiers: Mapping[str, Tier], deployments: Mapping[str, Deployment]
) -> Route:
    """Compile one route.

    Raises:
        AssemblyError: a model or calibration file that it names cannot be used.
    """
    compiled = tuple(
        rules.Rule(
            rule.name,
            rules.conditions(rule.when, policy.read_text(rule.when.system) if rule.when.system else None),
            dict(rule.require or {}),
            rule.start,
            rule.route,
            rules.reads_text(rule.when),
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
        sessions=staying_of(rungs, spec.sessions),
        remember=_remember(spec.cache.exact, [tiers[rung.tier] for rung in spec.cascade]),
        explore=spec.explore.rate,
        shadow=_shadow(spec, policy, deployments),
    )


def staying_of(rungs: tuple[Rung, ...], spec: schema.Sessions) -> Staying | None:
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


def _estimator(name: str, spec: schema.Route, policy: Policy) -> Estimator:
    names = tuple(rung.tier for rung in spec.cascade)
    if isinstance(spec.difficulty, float):
        return difficulty.constant(spec.difficulty, len(names))
    if spec.difficulty == "builtin":
        return difficulty.builtin(names)
    try:
        return difficulty.load(policy.path(spec.difficulty), names)
    except ModelError as error:
        raise refused(policy, ("routes", name, "difficulty"), str(error)) from error


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
                raise refused(policy, ("routes", name, "cascade", index, "share"), told)
            below = found
        rungs.append(Rung(tiers[said.tier], below))
        if model is not None and index < len(spec.cascade) - 1:
            started = max(started, difficulty.share_below(model, below, index) or 0.0)
    return tuple(rungs)


def _calibration(name: str, spec: schema.Route, policy: Policy, model: Learned | None) -> Calibration | None:
    """What `below: auto` stands for; None when the policy names none."""
    if spec.calibration is None or model is None:
        return None
    if not isinstance(model, Builtin) and model.origins and model.origins != difficulty.origins(policy, model.tiers):
        return None  # It is about the answers of other models, tunes or prompts.
    content, place = policy.read_bytes(spec.calibration), str(policy.path(spec.calibration))
    try:
        return calibration.read(content, place, model=model.hash, tiers=model.tiers)
    except CalibrationError as error:
        raise refused(policy, ("routes", name, "calibration"), str(error)) from error


def _scope(name: str, spec: schema.Route, policy: Policy, model: Learned | None) -> float | None:
    """The novelty beyond which requests start at the last tier; None where the model cannot tell."""
    if model is None:
        return None
    if not isinstance(model, Builtin) and model.distances:
        return spec.scope.novelty if spec.scope else _SCOPE
    if spec.scope:
        told = "this model file cannot tell what is novel; train it again, or remove scope"
        raise refused(policy, ("routes", name, "scope"), told)
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
