"""What an operator should know about thresholds that nobody has measured on this policy's own tiers."""

from collections.abc import Iterator

from router.difficulty import Builtin, Learned, learned, origins, share_below
from router.plan import Plan, Route
from router.policy import Policy, schema

__all__ = ["cautions"]

_ABOUT = 0.05
"""How far from the share that was asked for the share that one gets may be, unsaid."""

_OTHERS = "the model was trained on other answers than these tiers give"
_EQUAL = "many of the model's training prompts are equally difficult"


def cautions(policy: Policy, plan: Plan) -> list[str]:
    """Return every caution with its place: `policy.yaml:14 routes.auto.cascade[0].below: …`."""
    told = []
    for name, spec in policy.routes.items():
        route = plan.routes[name]
        if (model := learned(route.estimate)) is None:
            continue
        for index, field, message in _of_route(policy, spec, route, model):
            file, line = policy.where("routes", name, "cascade", index, field)
            told.append(f"{file}:{line} routes.{name}.cascade[{index}].{field}: {message}")
    return told


def _of_route(policy: Policy, spec: schema.Route, route: Route, model: Learned) -> Iterator[tuple[int, str, str]]:
    """Yield rung, field and message of every caution."""
    calibrated = spec.calibration is not None and spec.cascade[0].below == "auto"
    unmeasured = _unmeasured(policy, model)
    started: float | None = 0.0
    for index, (said, rung) in enumerate(zip(spec.cascade[:-1], route.cascade, strict=False)):
        reached = share_below(model, rung.below, index)
        here = None if reached is None or started is None else max(0.0, reached - started)
        if said.share is not None:
            if here is not None and abs(here - said.share) > _ABOUT:
                yield index, "share", f"{_EQUAL}: about {here:.0%} of them would start here, not {said.share:.0%}"
        elif said.below == "auto":
            if message := _auto(spec, rung.tier.name, rung.below, unmeasured):
                yield index, "below", message
        elif calibrated and rung.below:
            yield index, "below", f"the calibration says nothing of requests that start at '{rung.tier.name}'"
        elif unmeasured:
            yield index, "below", f"{unmeasured}{_traffic(rung.below, reached, here)}"
        started = None if reached is None or started is None else max(started, reached)


def _auto(spec: schema.Route, tier: str, threshold: float, unmeasured: str) -> str:
    """What is to be said of `below: auto`, if anything."""
    if spec.calibration is None:
        return (
            f"there is no calibration, so nothing starts at '{tier}' until this route names one that `smallfirst "
            f"calibrate --out` wrote; meanwhile shadows ask '{tier}' what it would have said"
        )
    if threshold:
        return ""
    if unmeasured.startswith(_OTHERS):
        return f"{unmeasured}; its calibration does not count, and nothing starts at '{tier}'"
    return f"the calibration supports no threshold, so nothing starts at '{tier}'"


def _unmeasured(policy: Policy, model: Learned) -> str:
    """Why the model's difficulties are not known to be those of this policy's tiers; empty when they are."""
    if isinstance(model, Builtin):
        return "the builtin model knows nothing of your tiers"
    if not model.origins:
        return "the model file does not say that it was trained on these deployments' answers"
    now = origins(policy, model.tiers)
    changed = [
        f"'{tier}' was {' and '.join(served)} and is {' and '.join(now[tier])}"
        for tier, served in model.origins.items()
        if served != now[tier]
    ]
    return f"{_OTHERS}: {', '.join(changed)}" if changed else ""


def _traffic(below: float, reached: float | None, here: float | None) -> str:
    """What the model's training prompts would do."""
    if reached is None or here is None:
        return ""
    if reached == 0:
        return f"; no difficulty it has seen is below {below:g}, so nothing would start here"
    if reached == 1:
        return f"; every difficulty it has seen is below {below:g}, so everything that gets here would start here"
    return f"; about {here:.0%} of its reference traffic would start below {below:g}"
