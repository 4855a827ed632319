"""What a policy may say and probably does not mean: rules that never apply, idle names, thresholds without effect.

What is surely meant, and has an effect that is easily overlooked, is told as a note.
"""

from collections.abc import Container, Iterator
from dataclasses import astuple

from router.errors import names as listed
from router.policy import templates
from router.policy.faults import Caution, Note
from router.policy.prompting import Prompt, is_file
from router.policy.routes import Range, Route, When
from router.policy.schema import Policy
from router.policy.source import FieldPath, spelled

Remark = tuple[FieldPath, str]
_WORTH_CACHING = 400
"""Characters of constant text behind a variable from which a caution is given."""


def lint(policy: Policy, *, priced: Container[str] | None = None) -> tuple[Caution | Note, ...]:
    """Return every caution and note, by file and line; `priced` holds the models with a price in the list, if known."""
    remarks = [
        *_unused(policy),
        *_prices(policy, priced),
        *_timeouts(policy),
        *_prompts(policy),
        *_limits(policy),
        *_embedding(policy),
        *(remark for name, route in policy.routes.items() for remark in _route(policy, name, route)),
    ]
    narrowed = [remark for name, route in policy.routes.items() for remark in _narrowed(policy, name, route)]
    told: set[Caution | Note] = {Caution(*policy.where(*path), spelled(path), message) for path, message in remarks}
    told |= {Note(*policy.where(*path), spelled(path), message) for path, message in narrowed}
    return tuple(sorted(told, key=astuple))


def _unused(policy: Policy) -> Iterator[Remark]:
    tiers = {rung.tier for route in policy.routes.values() for rung in route.cascade}
    deployments = {name for tier in policy.tiers.values() for name in tier.deployments}
    for route in policy.routes.values():
        deployments.update(_shadows(policy, route))
    for name in policy.tiers:
        if name not in tiers:
            yield ("tiers", name), "no route uses this tier; only requests that name it reach it"
    for name in policy.deployments:
        if name not in deployments:
            yield ("deployments", name), "no tier uses this deployment; only requests that name it reach it"


def _prices(policy: Policy, priced: Container[str] | None) -> Iterator[Remark]:
    if priced is None:
        return
    aside = {name for route in policy.routes.values() if route.shadow for name in _shadows(policy, route)}
    for name, deployment in policy.deployments.items():
        if deployment.price is None and deployment.model not in priced:
            told = f"no price, and none is known for '{deployment.model}': its cost counts as unknown"
            yield ("deployments", name), told + (", and no shadow asks it" if name in aside else "")


def _shadows(policy: Policy, route: Route) -> Iterator[str]:
    """Yield the deployments that a route's shadow may ask."""
    for rung in route.cascade:
        yield from policy.tiers[rung.tier].deployments
    if route.shadow and route.shadow.judge:
        yield route.shadow.judge.deployment


def _timeouts(policy: Policy) -> Iterator[Remark]:
    for name, deployment in policy.deployments.items():
        timeout = deployment.timeout
        for field in ("connect", "first_byte", "idle"):
            if field in timeout.model_fields_set and getattr(timeout, field) > timeout.total:
                yield ("deployments", name, "timeout", field), "longer than total, so it never applies"


def _silent(policy: Policy, path: FieldPath, route: Route) -> Iterator[Remark]:
    """Say whose silence takes all the time there is, so that nobody else is asked."""
    asked = list(dict.fromkeys(one for rung in route.cascade for one in policy.tiers[rung.tier].deployments))
    for name in asked[:-1]:
        timeout = policy.deployments[name].timeout
        if timeout.total < route.deadline:
            continue
        told = "while it says nothing of a whole answer, nobody else is asked: first_byte and idle are about streams"
        if "total" in timeout.model_fields_set:
            yield ("deployments", name, "timeout", "total"), f"not shorter than a route's deadline; {told}"
        elif "deadline" in route.model_fields_set:
            yield (*path, "deadline"), f"'{name}' may take as long (its timeout.total); {told}"


def _embedding(policy: Policy) -> Iterator[Remark]:
    """Say where a tier seems to be meant for embeddings, and has deployments that are never asked for any."""
    for name, tier in policy.tiers.items():
        first, *others = [policy.deployments[one].model for one in tier.deployments]
        if "embed" in first.lower() and any(model != first for model in others):
            told = f"embeddings only ever come from '{first}' here, as vectors of two models cannot be compared"
            yield ("tiers", name, "deployments"), f"{told}: give the others tiers of their own"


def _prompts(policy: Policy) -> Iterator[Remark]:
    for name, tier in policy.tiers.items():
        tunes = [policy.deployments[deployment].tune for deployment in tier.deployments]
        if tier.prompt and all(tune and tune.prompt for tune in tunes):
            yield ("tiers", name, "prompt"), "no deployment uses this prompt: the tunes of all bring their own"
        if tier.prompt:
            yield from _uncached(policy, ("tiers", name, "prompt"), tier.prompt)
    for name, deployment in policy.deployments.items():
        if deployment.tune and deployment.tune.prompt:
            yield from _uncached(policy, ("deployments", name, "tune", "prompt"), deployment.tune.prompt)


def _limits(policy: Policy) -> Iterator[Remark]:
    """Say which limits are nobody's."""
    for name, limit in policy.limits.items():
        if policy.auth is None and not limit.is_default:
            yield ("limits", name), "without auth.keys no request has a key: it holds for nobody"
        elif limit.is_default and not limit.limits:
            yield ("limits", name), "limits nothing; give it a limit, or say in keys or labels whom it sets free"


def _uncached(policy: Policy, path: FieldPath, prompt: Prompt) -> Iterator[Remark]:
    """Say where constant text stands behind a variable, so that no prompt cache can hold it."""
    first = None
    behind = 0
    for field in ("prepend", "system", "append"):
        if (said := getattr(prompt, field)) is None:
            continue
        template = templates.parse(policy.read_text(said) if is_file(said) else said, templates.of_metadata)
        for piece in template:
            if not isinstance(piece, str):
                first = first or (*path, field)
            elif first:
                behind += len(piece)
    if prompt.examples:
        behind += len(policy.read_text(prompt.examples))
    if first and behind > _WORTH_CACHING:
        yield (
            first,
            f"{behind:,} characters that never change stand after a variable, where prompt caches miss: put it last",
        )


def _route(policy: Policy, name: str, route: Route) -> Iterator[Remark]:
    path = ("routes", name)
    yield from _silent(policy, path, route)
    yield from _thresholds(path, route)
    yield from _shadowed(path, route)
    yield from _steered(path, route)
    if route.calibration is not None and all(rung.below != "auto" for rung in route.cascade):
        yield (*path, "calibration"), "no rung has below: auto, so this calibration decides nothing"
    if route.scope is not None and len(route.cascade) == 1:
        yield (*path, "scope"), "with one tier there is nothing to choose, so this decides nothing"
    if len(route.cascade) == 1 and (route.shadow is not None or route.explore.rate):
        field = "explore" if route.shadow is None else "shadow"
        yield (*path, field), "with one tier there is nobody else to ask, so this does nothing"
    for index, rule in enumerate(route.rules):
        if rule.when.key is not None and policy.auth is None:
            yield (*path, "rules", index, "when", "key"), "without auth.keys no request has key labels: never matches"


def _steered(path: FieldPath, route: Route) -> Iterator[Remark]:
    """Say where control has nothing to aim for, or nothing to move."""
    if route.objectives is None:
        if route.control.mode == "apply":
            yield (*path, "control", "mode"), "without objectives there is nothing to move a threshold for"
    elif len(route.cascade) == 1 or isinstance(route.difficulty, float):
        yield (*path, "objectives"), "there is no threshold that could be moved for them"
    elif route.objectives.quality is None:
        yield (*path, "objectives"), "without a quality objective nothing can prove a move, so no threshold ever rises"


def _thresholds(path: FieldPath, route: Route) -> Iterator[Remark]:
    if isinstance(route.difficulty, float) and len(route.cascade) > 1:
        yield (*path, "difficulty"), "a constant sends every request the same way; it is meant for tests"
    reached = True
    for index, rung in enumerate(route.cascade[:-1]):
        here = (*path, "cascade", index, "below")
        if rung.below == 0:
            yield (
                here,
                f"difficulty is never below 0: no request starts at '{rung.tier}' unless a rule or client says so",
            )
        elif not reached:
            yield here, "an earlier tier takes everything already, so this threshold decides nothing"
        elif rung.below == 1:
            yield (
                here,
                f"practically every difficulty is below 1: requests start at '{rung.tier}', and checks alone escalate",
            )
            reached = False


def _narrowed(policy: Policy, name: str, route: Route) -> Iterator[Remark]:
    """Say which tiers a requirement closes or leaves with fewer fallbacks, which is what requirements are for."""
    for index, rule in enumerate(route.rules):
        if not rule.require:
            continue
        path = ("routes", name, "rules", index, "require")
        wanted = ", ".join(f"{label}: {value}" for label, value in rule.require.items())
        for rung in (route if rule.route is None else policy.routes[rule.route]).cascade:
            names = policy.tiers[rung.tier].deployments
            fit = [one for one in names if rule.require.items() <= policy.deployments[one].labels.items()]
            if not fit:
                yield path, f"tier '{rung.tier}' has no deployment with {wanted}: these requests never reach it"
            elif len(fit) < len(names):
                told = f"of tier '{rung.tier}' only {listed(fit)} has {wanted}"
                yield path, f"{told}: the others are no fallback for these requests"


def _shadowed(path: FieldPath, route: Route) -> Iterator[Remark]:
    """Find rules whose start or route can never win, because an earlier rule matches whenever they do."""
    deciding = [(index, rule) for index, rule in enumerate(route.rules) if rule.start or rule.route]
    for place, (index, rule) in enumerate(deciding):
        for _, earlier in deciding[:place]:
            if _covers(earlier.when, rule.when):
                verb = "start" if rule.start else "route"
                yield (
                    (*path, "rules", index, verb),
                    f"never decides: rule '{earlier.name}' comes first and matches whenever this one does",
                )
                break


def _covers(general: When, special: When) -> bool:
    """Return whether every request that meets `special` surely meets `general`; in doubt, no."""
    return all(
        _condition_covers(getattr(general, name), getattr(special, name))
        for name in When.model_fields
        if getattr(general, name) is not None
    )


def _condition_covers(general: object, special: object) -> bool:
    match general, special:
        case _, None:
            return False
        case True, tuple():  # tools: any, against tools: these
            return True
        case tuple(), tuple():  # any of these
            return set(special) <= set(general)
        case Range(), Range():
            lowest, highest = general.min or 0, general.max
            return (special.min or 0) >= lowest and (
                highest is None or (special.max is not None and special.max <= highest)
            )
        case dict(), dict():  # all of these
            return general.items() <= special.items()
        case _:
            return general == special
