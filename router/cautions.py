"""What an operator should know about a policy that only its models, and the day, can tell."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

from router.difficulty import Builtin, Learned, learned, origins, share_below
from router.keys import Keyring, KeysError
from router.plan import Plan, Route
from router.policy import Caution, Note, Policy, schema
from router.policy.faults import did_you_mean
from router.policy.source import spelled

__all__ = ["cautions"]

Remark = tuple[type[Caution | Note], int, str, str]
"""How much it matters, the rung, its field, and what is to be said."""

_ABOUT = 0.05
"""How far from the share that was asked for the share that one gets may be, unsaid."""

_OTHERS = "the model was trained on other answers than these tiers give"
_EQUAL = "many of the model's training prompts are equally difficult"


def cautions(policy: Policy, plan: Plan, *, now: float) -> list[Caution | Note]:
    """Return what there is to say about tunes, limits and thresholds, each with its place; `now` in seconds since 1970.

    A number with the builtin model, or `auto` while there is no calibration, is where everybody begins: a note. What
    cannot have the effect that it was written for is a caution.
    """
    told: list[Caution | Note] = [*_due(policy, datetime.fromtimestamp(now, UTC).date()), *_nobodys(policy)]
    for name, spec in policy.routes.items():
        route = plan.routes[name]
        if (model := learned(route.estimate)) is None:
            continue
        for kind, index, field, message in _of_route(policy, spec, route, model):
            path = ("routes", name, "cascade", index, field)
            told.append(kind(*policy.where(*path), spelled(path), message))
    return told


def _due(policy: Policy, today: date) -> Iterator[Note]:
    """Say which tunes should have been trained again by now."""
    for name, deployment in policy.deployments.items():
        due = deployment.tune and deployment.tune.refresh_due
        if due and due < today:
            path = ("deployments", name, "tune", "refresh_due")
            told = f"this tune was to be trained again by {due}; do so, or say until when it is still good"
            yield Note(*policy.where(*path), spelled(path), told)


def _nobodys(policy: Policy) -> Iterator[Caution]:
    """Say which limits name keys that there are not."""
    if policy.auth is None or not policy.limits:
        return
    try:
        known = {key.name for key in Keyring.read(policy.path(policy.auth.keys)).keys.values()}
    except KeysError:
        return  # told where it is read to be used
    for name, limit in policy.limits.items():
        for index, wanted in enumerate(limit.keys):
            if wanted not in known:
                path = ("limits", name, "keys", index)
                told = f"no key in {policy.auth.keys} is named '{wanted}'"
                yield Caution(*policy.where(*path), spelled(path), told, did_you_mean(wanted, known))


def _of_route(policy: Policy, spec: schema.Route, route: Route, model: Learned) -> Iterator[Remark]:
    """Yield every remark about one route's thresholds."""
    calibrated = spec.calibration is not None and spec.cascade[0].below == "auto"
    unmeasured = _unmeasured(policy, model)
    started: float | None = 0.0
    for index, (said, rung) in enumerate(zip(spec.cascade[:-1], route.cascade, strict=False)):
        reached = share_below(model, rung.below, index)
        here = None if reached is None or started is None else max(0.0, reached - started)
        if said.share is not None:
            if here is not None and abs(here - said.share) > _ABOUT:
                yield (
                    Caution,
                    index,
                    "share",
                    f"{_EQUAL}: about {here:.0%} of them would start here, not {said.share:.0%}",
                )
        elif said.below == "auto":
            if message := _auto(spec, rung.tier.name, rung.below, unmeasured):
                yield Caution if spec.calibration else Note, index, "below", message
        elif calibrated and rung.below:
            yield Caution, index, "below", f"the calibration says nothing of requests that start at '{rung.tier.name}'"
        elif unmeasured:
            begins = isinstance(model, Builtin) and reached not in {0, 1}
            yield Note if begins else Caution, index, "below", f"{unmeasured}{_traffic(rung.below, reached, here)}"
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
