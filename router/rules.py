"""Hard constraints, before anything is estimated: who may see a request, where it starts, which route it is for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from router import signals
from router.chat import ChatRequest
from router.frozen import frozen
from router.patterns import compiled
from router.policy.schema import Range, TextPattern, When
from router.signals import Signals

__all__ = ["FREE", "Asked", "Bounds", "Condition", "Rule", "apply", "conditions", "reads_text"]

_NOTHING: Mapping[str, str] = {}


@frozen
class Asked:
    """What rules may look at: a request, the facts about it, and who sent it how."""

    request: ChatRequest
    signals: Signals
    headers: Mapping[str, str] = field(default_factory=dict)
    """The HTTP request's headers, names in lower case."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels of the client's API key."""


Condition = Callable[[Asked], bool]


@frozen
class Rule:
    """When every condition holds: what is required of a deployment, and where to start or which route to take."""

    name: str
    when: tuple[Condition, ...]
    require: Mapping[str, str]
    start: str | None = None
    route: str | None = None
    reads_text: bool = False
    """Whether a condition looks at the words themselves, which cannot be done where only their tokens are known."""


@frozen
class Bounds:
    """What the rules that matched come to. Nothing later may leave it."""

    require: Mapping[str, str] = field(default_factory=dict)
    """Labels that every deployment which sees the request must carry."""
    start: str | None = None
    route: str | None = None
    rule: str | None = None
    """The rule that chose `start` or `route`."""


FREE = Bounds()


def apply(rules: Iterable[Rule], asked: Asked, require: Mapping[str, str] = _NOTHING) -> Bounds:
    """What a route's rules come to: `require` adds up over every match, of the others the first match wins.

    What the rules of the route before it required, if any, is handed in and still holds. Where two require different
    values of one label, nobody carries both.
    """
    required, chosen = dict(require), FREE
    for rule in rules:
        if not all(holds(asked) for holds in rule.when):
            continue
        for name, value in rule.require.items():
            before = required.get(name, value)
            required[name] = value if value == before else f"{before} and {value}"  # which nobody is
        if chosen is FREE and (rule.start or rule.route):
            chosen = Bounds({}, rule.start, rule.route, rule.name)
    return replace(chosen, require=required) if required else chosen


def conditions(when: When, system: str | None = None) -> tuple[Condition, ...]:
    """Compile a policy's `when`; `system` is the text of the system prompt it names."""
    made = [make(value) for name, make in _CONDITIONS.items() if (value := getattr(when, name)) is not None]
    return (*made, _system(system)) if system is not None else tuple(made)


def reads_text(when: When) -> bool:
    """Whether any condition looks at the words of a request."""
    return when.pii is not None or when.language is not None or when.regex is not None


def _flag(name: str) -> Callable[[bool], Condition]:
    return lambda wanted: lambda asked: bool(getattr(asked.signals, name)) is wanted


def _within(name: str) -> Callable[[Range], Condition]:
    def make(span: Range) -> Condition:
        low, high = span.min or 0, float("inf") if span.max is None else span.max
        return lambda asked: low <= getattr(asked.signals, name) <= high

    return make


def _pii(kinds: Iterable[str]) -> Condition:
    wanted = frozenset(kinds)
    return lambda asked: not wanted.isdisjoint(asked.signals.pii)


def _language(languages: Iterable[str]) -> Condition:
    wanted = frozenset(languages)
    return lambda asked: asked.signals.language in wanted


def _tools(wanted: bool | Iterable[str]) -> Condition:  # noqa: FBT001  as the policy writes it
    if isinstance(wanted, bool):
        return lambda asked: bool(asked.signals.tools) is wanted
    names = tuple(wanted)  # a client's name for a tool may be anything, unhashable too

    def named(asked: Asked) -> bool:
        functions = (tool.get("function") for tool in asked.request.body.get("tools") or ())
        return any(isinstance(function, Mapping) and function.get("name") in names for function in functions)

    return named


def _system(text: str) -> Condition:
    fingerprint = signals.prompt_hash(text)
    return lambda asked: asked.signals.system == fingerprint


def _metadata(wanted: Mapping[str, str]) -> Condition:
    return lambda asked: wanted.items() <= (asked.request.body.get("metadata") or _NOTHING).items()


def _key(wanted: Mapping[str, str]) -> Condition:
    return lambda asked: wanted.items() <= asked.labels.items()


def _headers(wanted: Mapping[str, str | TextPattern]) -> Condition:
    texts = {name.lower(): value for name, value in wanted.items() if isinstance(value, str)}
    patterns = {name.lower(): compiled(value.regex) for name, value in wanted.items() if not isinstance(value, str)}
    return lambda asked: (
        all(asked.headers.get(name) == text for name, text in texts.items())
        and all(name in asked.headers and pattern.search(asked.headers[name]) for name, pattern in patterns.items())
    )


def _regex(text: str) -> Condition:
    """Search what the request is about, capped as signals are."""
    pattern = compiled(text)
    return lambda asked: pattern.search(signals.clip(signals.subject(asked.request))) is not None


_CONDITIONS: Mapping[str, Callable[[Any], Condition]] = {
    "images": _flag("images"),
    "audio": _flag("audio"),
    "json_schema": _flag("json_schema"),
    "pii": _pii,
    "language": _language,
    "tools": _tools,
    "tokens": _within("tokens"),
    "turns": _within("turns"),
    "metadata": _metadata,
    "key": _key,
    "headers": _headers,
    "regex": _regex,
}
"""How each field of `when` is compiled; `system` is a file, whose text whoever compiles has at hand."""
