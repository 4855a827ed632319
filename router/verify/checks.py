"""Every kind of check there is, cheapest first, and how a tier's are made from what its policy says."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from router.policy.checks import Check as Spec
from router.policy.checks import Judge as JudgeSpec
from router.verify.citations import Citations
from router.verify.complete import Complete
from router.verify.containing import MustContain, MustNotContain
from router.verify.json_format import JsonObject, JsonSchema
from router.verify.judged import Judge
from router.verify.length import Length
from router.verify.logprob import Sure
from router.verify.pattern import Matches
from router.verify.refusal import Refusal
from router.verify.repetition import Repeats
from router.verify.schemas import load_library
from router.verify.tool_calls import ToolCalls
from router.verify.verdict import Check

__all__ = ["KINDS", "compiled"]

KINDS: tuple[type[Check], ...] = (
    Complete,
    Length,
    MustContain,
    MustNotContain,
    Sure,
    Refusal,
    JsonObject,
    ToolCalls,
    JsonSchema,
    Citations,
    Matches,
    Repeats,
    Judge,
)
"""In the order in which they are asked, whatever the order in the policy."""

_PLAIN: Mapping[str, Callable[[], Check]] = {"complete": Complete, "refusal": Refusal, "tool_calls": ToolCalls}
_WITH: Mapping[str, Callable[[Any], Check]] = {
    "length": Length,
    "regex": Matches,
    "must_contain": MustContain,
    "must_not_contain": MustNotContain,
    "citations": Citations,
    "repetition": Repeats,
    "logprob": Sure,
}
_FORMATS: Mapping[str, Callable[[object], Check]] = {"json_object": JsonObject, "json_schema": JsonSchema}


def _no_file(name: str) -> str:
    raise FileNotFoundError(name)


def compiled(
    specs: Iterable[Spec], *, imposed_format: object = None, read: Callable[[str], str] = _no_file
) -> tuple[Check, ...]:
    """Return a tier's checks, cheapest first.

    `imposed_format` is the response format that the tier adds; `read` gives the text of a file that the policy names.
    """
    made = [_made(*spec.said, imposed_format, read) for spec in specs]
    if any(isinstance(one, JsonSchema | ToolCalls) for one in made):
        load_library()
    order = {kind: place for place, kind in enumerate(KINDS)}
    return tuple(sorted(made, key=lambda one: order[type(one)]))


def _made(name: str, parameters: object, imposed: object, read: Callable[[str], str]) -> Check:
    if name in _PLAIN:
        return _PLAIN[name]()
    if isinstance(parameters, JudgeSpec):
        return Judge(parameters, read(parameters.prompt) if parameters.prompt else None)
    return _FORMATS[name](imposed) if name in _FORMATS else _WITH[name](parameters)
