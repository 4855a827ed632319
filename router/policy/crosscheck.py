"""Do the parts of a policy fit together? Names that must exist, names that clash, rules that cannot hold.

It looks at the plain values, not at the finished policy, so that a typing mistake in one place does not hide a wrong
name in another. What has the wrong shape is passed over here: `validation` complains about it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from pydantic_core import PydanticCustomError

from router.errors import names as listed
from router.policy.faults import MISSING, Complaint, did_you_mean
from router.policy.source import FieldPath, Place, nearest
from router.policy.tree import matches, names, texts
from router.policy.values import read_difficulty, read_share

_CLIENTS_OWN = {
    "messages": "a tier's words are its prompt",
    "model": "the deployment says which model",
    "stream": "the client says whether it reads a stream",
    "stream_options": "the client says what its stream holds",
}
"""What `params` cannot add to a request: an answer in a form that the client did not ask for helps nobody."""


def crosscheck(tree: object, places: Mapping[FieldPath, Place]) -> Iterator[Complaint]:
    """Yield a complaint for every part that does not fit the others."""
    yield from _clashes(tree, places)
    yield from _deployments(tree)
    yield from _tiers(tree)
    for path, route in matches(tree, "routes.*"):
        yield from _cascade(tree, path, route)
        yield from _learned(path, route)
        yield from _rules(tree, path, route)
        yield from _shadow(tree, path, route)
    yield from _circles(tree)
    yield from _limits(tree)


def _clashes(tree: object, places: Mapping[FieldPath, Place]) -> Iterator[Complaint]:
    """Routes, tiers and deployments share one namespace, because a client may put any of them in `model`."""
    taken: dict[str, str] = {}
    for kind in ("deployments", "tiers", "routes"):
        for name in names(tree, kind):
            if name in taken:
                file, line = nearest(places, (taken[name], name))
                yield Complaint(
                    (kind, name),
                    f"one of the {taken[name]} has this name already ({file}:{line})",
                    "routes, tiers and deployments share one namespace",
                )
            taken.setdefault(name, kind)


def _limits(tree: object) -> Iterator[Complaint]:
    """A key has one limit, and whoever has none of their own has one: which, must be plain."""
    taken: dict[str, str] = {}
    for (_, limit, *_), key in texts(tree, "limits.*.keys.*"):
        if key in taken:
            yield Complaint(
                ("limits", limit, "keys"), f"'{key}' is in limits.{taken[key]} already", "a key has one limit"
            )
        taken.setdefault(key, str(limit))
    defaults = [
        path
        for path, limit in matches(tree, "limits.*")
        if isinstance(limit, Mapping) and not limit.get("keys") and not limit.get("labels")
    ]
    for path in defaults[1:]:
        told = f"holds for every key that no other names, as limits.{defaults[0][1]} does"
        yield Complaint(path, told, "say in keys or labels whom it is for")


def _deployments(tree: object) -> Iterator[Complaint]:
    for path, deployment in matches(tree, "deployments.*"):
        if (
            isinstance(path[1], str)
            and isinstance(deployment, Mapping)
            and not {"base_url", "provider"} & set(deployment)
        ):
            yield Complaint(
                (*path, "base_url"), MISSING, "give the address of an OpenAI-compatible server, or a provider"
            )


def _tiers(tree: object) -> Iterator[Complaint]:
    known = names(tree, "deployments")
    for path, tier in matches(tree, "tiers.*"):
        used = [((*path, *place), name) for place, name in texts(tier, "deployments.*")]
        yield from _unknown("deployment", used, known)
        yield from _repeated("this tier", used)
        judges = [((*path, *place), name) for place, name in texts(tier, "checks.*.judge.deployment")]
        yield from _unknown("deployment", judges, known)
    for path, params in matches(tree, "tiers.*.params"):
        if isinstance(params, Mapping):
            for name in sorted(params.keys() & _CLIENTS_OWN.keys()):
                yield Complaint((*path, name), _CLIENTS_OWN[name], "remove it")


def _cascade(tree: object, path: FieldPath, route: object) -> Iterator[Complaint]:
    tiers = [((*path, *place), name) for place, name in texts(route, "cascade.*.tier")]
    yield from _unknown("tier", tiers, names(tree, "tiers"))
    yield from _repeated("this cascade", tiers)
    rungs = [((*path, *place), rung) for place, rung in matches(route, "cascade.*")]
    for place, rung in rungs[:-1]:
        if isinstance(rung, Mapping) and not {"below", "share"} & set(rung):
            yield Complaint(
                (*place, "below"),
                MISSING,
                "every rung but the last has a threshold from 0 to 1, such as below: 0.3",
            )
        if isinstance(rung, Mapping) and {"below", "share"} <= set(rung):
            yield Complaint((*place, "share"), "this rung has below already", "keep one of the two")
    for place, rung in rungs[1:-1]:
        if isinstance(rung, Mapping) and rung.get("below") == "auto":
            yield Complaint(
                (*place, "below"), "a calibration is about the first tier only", "write a number from 0 to 1"
            )
    for place, rung in rungs[-1:]:
        for field in ("below", "share"):
            if isinstance(rung, Mapping) and field in rung:
                yield Complaint((*place, field), "the last rung takes all that is left", "remove it")
    yield from _shares(rungs[:-1])


def _shares(rungs: Iterable[tuple[FieldPath, object]]) -> Iterator[Complaint]:
    """Shares are of the same whole."""
    total = 0.0
    for place, rung in rungs:
        if isinstance(rung, Mapping) and "share" in rung:
            total += _number(read_share, rung["share"]) or 0.0
            if round(total, 9) > 1:
                yield Complaint((*place, "share"), f"the shares up to here add up to {total:g}", "together at most 1")


def _learned(path: FieldPath, route: object) -> Iterator[Complaint]:
    """What only a learned model can answer cannot be asked of a constant, nor all of it of the builtin model."""
    if not isinstance(route, Mapping):
        return
    said = route.get("difficulty", "builtin")
    constant = _number(read_difficulty, said) is not None
    if constant:
        told = "a constant difficulty has no training prompts", "write builtin or a model file as difficulty, or below"
        for place, _ in matches(route, "cascade.*.share"):
            yield Complaint((*path, *place), *told)
        for place, below in matches(route, "cascade.*.below"):
            if below == "auto":
                yield Complaint(
                    (*path, *place), "a constant difficulty has no calibration", "write a number from 0 to 1"
                )
        if "calibration" in route:
            yield Complaint((*path, "calibration"), "a constant difficulty has no calibration", "remove it")
    if "scope" in route and (constant or said == "builtin"):
        which = "a constant difficulty" if constant else "the builtin model"
        hint = "remove it, or name a model file as difficulty"
        yield Complaint((*path, "scope"), f"{which} cannot tell what is novel", hint)


def _shadow(tree: object, path: FieldPath, route: object) -> Iterator[Complaint]:
    """Rates are of this route's tiers, and a judge is somebody the policy knows."""
    cascade = [name for _, name in texts(route, "cascade.*.tier")]
    for place, rate in matches(route, "shadow.rate"):
        if isinstance(rate, Mapping):
            for name in rate:
                if isinstance(name, str) and name not in cascade:
                    told = f"tier '{name}' is not in this route's cascade", f"it has {listed(cascade)}"
                    yield Complaint((*path, *place, name), told[0], did_you_mean(name, cascade) or told[1])
    judges = [((*path, *place), name) for place, name in texts(route, "shadow.judge.deployment")]
    yield from _unknown("deployment", judges, names(tree, "deployments"))


def _number(read: Callable[[object], object], value: object) -> float | None:
    """What a field's own reader makes of a value, if it is a number."""
    try:
        found = read(value)
    except PydanticCustomError:  # `validation` says so
        return None
    return found if isinstance(found, float) else None


def _rules(tree: object, path: FieldPath, route: object) -> Iterator[Complaint]:
    yield from _repeated("these rules", [((*path, *place), name) for place, name in texts(route, "rules.*.name")])
    cascade = [name for _, name in texts(route, "cascade.*.tier")]
    tiers = names(tree, "tiers")
    for place, start in texts(route, "rules.*.start"):
        if start in tiers and start not in cascade:
            yield Complaint(
                (*path, *place), f"tier '{start}' is not in this route's cascade", f"it has {listed(cascade)}"
            )
        else:
            yield from _unknown("tier", [((*path, *place), start)], [*tiers, *cascade])
    targets = [((*path, *place), name) for place, name in texts(route, "rules.*.route")]
    yield from _unknown("route", targets, names(tree, "routes"))
    for place, rule in matches(route, "rules.*"):
        if isinstance(rule, Mapping) and isinstance(rule.get("require"), Mapping):
            yield from _requirement(tree, (*path, *place), rule, cascade)


def _requirement(tree: object, path: FieldPath, rule: Mapping[str, object], cascade: list[str]) -> Iterator[Complaint]:
    """Complain when no deployment that could still answer has all the labels a rule requires."""
    reach = cascade
    start, other = rule.get("start"), rule.get("route")
    if isinstance(start, str) and start in cascade:
        reach = cascade[cascade.index(start) :]
    elif isinstance(other, str):
        reach = [name for place, name in texts(tree, "routes.*.cascade.*.tier") if place[1] == other]
    deployments = [name for place, name in texts(tree, "tiers.*.deployments.*") if place[1] in reach]
    labels = [dict(value) for name in dict.fromkeys(deployments) for value in _labels(tree, name)]
    required = cast("Mapping[str, object]", rule["require"])
    if not labels or any(required.items() <= each.items() for each in labels):
        return
    wanted = ", ".join(f"{name}: {value}" for name, value in required.items())
    there = sorted({f"{name}: {value}" for each in labels for name, value in each.items()})
    yield Complaint(
        (*path, "require"),
        f"no deployment this rule can reach has {wanted}",
        f"their labels are {', '.join(there)}" if there else "they have no labels",
    )


def _labels(tree: object, deployment: str) -> Iterator[Mapping[str, object]]:
    """Yield a known deployment's labels, empty ones too."""
    for path, value in matches(tree, "deployments.*"):
        if path[1] == deployment and isinstance(value, Mapping):
            labels = value.get("labels")
            yield labels if isinstance(labels, Mapping) else {}


def _circles(tree: object) -> Iterator[Complaint]:
    """A rule that leads back to its own route would never end."""
    steps: dict[str, set[str]] = {}
    edges = list(texts(tree, "routes.*.rules.*.route"))
    for path, target in edges:
        steps.setdefault(str(path[1]), set()).add(target)
    for path, target in edges:
        trail = _way(steps, target, str(path[1]))
        if trail:
            yield Complaint(path, f"leads in a circle: {' → '.join([str(path[1]), *trail])}", "let one of them go")


def _way(steps: Mapping[str, set[str]], start: str, goal: str) -> list[str]:
    """Return the shortest way from one route to another, both named, or nothing."""
    ways, seen = [[start]], {start}
    for way in ways:
        if way[-1] == goal:
            return way
        for following in sorted(steps.get(way[-1], set()) - seen):
            seen.add(following)
            ways.append([*way, following])
    return []


def _unknown(kind: str, used: Iterable[tuple[FieldPath, str]], known: list[str]) -> Iterator[Complaint]:
    """Complain about names nobody has; where there are none at all, the section itself is what is wrong."""
    for path, name in used:
        if known and name not in known:
            there = f"this policy has {listed(known)}"
            yield Complaint(path, f"no {kind} named '{name}'", did_you_mean(name, known) or there)


def _repeated(where: str, used: Iterable[tuple[FieldPath, str]]) -> Iterator[Complaint]:
    seen: set[str] = set()
    for path, name in used:
        if name in seen:
            yield Complaint(path, f"'{name}' is twice in {where}")
        seen.add(name)
