"""Hard constraints, before cache and difficulty: what a request must have, where it must start, which route it is really for."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from router import signals
from router.chat import ChatRequest
from router.policy.schema import When
from router.signals import Signals

__all__ = ["Asked", "Bounds", "Condition", "Rule", "apply", "conditions"]

_NOTHING: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Asked:
    """What rules may look at: a request, the facts about it, and who sent it how."""

    request: ChatRequest
    signals: Signals
    headers: Mapping[str, str] = field(default_factory=dict)
    """The HTTP request's headers, names in lower case."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels of the client's API key."""


Condition = Callable[[Asked], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """When every condition holds: what is required of a deployment, and one of where to start or which route to take."""

    name: str
    when: tuple[Condition, ...]
    require: Mapping[str, str]
    start: str | None = None
    route: str | None = None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the rules that matched come to. Nothing later may leave it."""

    require: Mapping[str, str] = field(default_factory=dict)
    """Labels that every deployment which sees the request must carry."""
    start: str | None = None
    route: str | None = None
    rule: str | None = None
    """The rule that chose `start` or `route`."""


FREE = Bounds()


def apply(rules: Iterable[Rule], asked: Asked, bounds: Bounds = FREE) -> Bounds:
    """Add a route's rules to `bounds`: `require` adds up over every match, of the others the first match wins."""
    require, chosen = dict(bounds.require), bounds if bounds.start else None
    for rule in rules:
        if not all(holds(asked) for holds in rule.when):
            continue
        require |= rule.require
        if chosen is None and (rule.start or rule.route):
            chosen = Bounds({}, rule.start, rule.route, rule.name)
    if not require and chosen is None:
        return FREE
    return Bounds(require, chosen.start, chosen.route, chosen.rule) if chosen else Bounds(require)


def conditions(when: When, system: str | None = None) -> tuple[Condition, ...]:
    """Compile a policy's `when`; `system` is the text of the system prompt it names."""
    made: list[Condition] = []
    for name in ("images", "audio", "json_schema"):
        if (wanted := getattr(when, name)) is not None:
            made.append(_flag(name, wanted=wanted))
    if when.pii:
        kinds = frozenset(when.pii)
        made.append(lambda asked: not kinds.isdisjoint(asked.signals.pii))
    if when.tools is not None:
        made.append(_tools(when.tools))
    for name in ("tokens", "turns"):
        if (span := getattr(when, name)) is not None:
            made.append(_within(name, span.min, span.max))
    if system is not None:
        fingerprint = signals.prompt_hash(system)
        made.append(lambda asked: asked.signals.system == fingerprint)
    if when.language:
        languages = frozenset(when.language)
        made.append(lambda asked: asked.signals.language in languages)
    if when.metadata:
        made.append(_all_equal(lambda asked: asked.request.body.get("metadata") or _NOTHING, when.metadata))
    if when.key:
        made.append(_all_equal(lambda asked: asked.labels, when.key))
    made.extend(_header(name.lower(), re.compile(pattern)) for name, pattern in (when.headers or {}).items())
    if when.regex is not None:
        made.append(_text(re.compile(when.regex)))
    return tuple(made)


def _flag(name: str, *, wanted: bool) -> Condition:
    return lambda asked: bool(getattr(asked.signals, name)) is wanted


def _tools(wanted: bool | list[str] | tuple[str, ...]) -> Condition:  # noqa: FBT001  as the policy writes it
    if isinstance(wanted, bool):
        return lambda asked: bool(asked.signals.tools) is wanted
    names = frozenset(wanted)

    def named(asked: Asked) -> bool:
        functions = (tool.get("function") or _NOTHING for tool in asked.request.body.get("tools") or ())
        return any(function.get("name") in names for function in functions)

    return named


def _within(name: str, least: int | None, most: int | None) -> Condition:
    low, high = least or 0, float("inf") if most is None else most
    return lambda asked: low <= getattr(asked.signals, name) <= high


def _all_equal(of: Callable[[Asked], Mapping[str, object]], wanted: Mapping[str, str]) -> Condition:
    return lambda asked: all(of(asked).get(name) == value for name, value in wanted.items())


def _header(name: str, pattern: re.Pattern[str]) -> Condition:
    return lambda asked: name in asked.headers and pattern.fullmatch(asked.headers[name]) is not None


def _text(pattern: re.Pattern[str]) -> Condition:
    """Search what the request is about, capped as signals are."""
    return lambda asked: pattern.search(signals.clip(signals.subject(asked.request))) is not None
