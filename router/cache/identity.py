"""When two requests may have one answer: the same client, route, bounds, and everything that can change the answer.

What JSON leaves open makes no difference (the order of keys, spaces, `1` or `1.0`), nor does whether a field is left
out or holds what OpenAI takes it to be, unless a tier's `params` would fill it. What is not known here always counts.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from router.chat import ChatRequest
from router.consider import Caller
from router.frozen import frozen
from router.plan import Deployment, Remember, Route
from router.rules import Bounds
from router.store import Flight

__all__ = ["DEFAULTS", "IGNORED", "NULLABLE", "Asked", "asked"]

IGNORED = frozenset(
    {
        "metadata",  # rules that read it have had their say; prompts that do make it count
        "model",  # the route it leads to counts
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",  # how fast, not what
        "store",  # what is to be stored upstream is never remembered here
        "stream",  # a stream and a whole answer are two forms of one answer
        "stream_options",
        "user",
    }
)
"""Fields that do not change an answer."""
DEFAULTS: Mapping[str, Any] = {
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "modalities": ["text"],
    "n": 1,
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "response_format": {"type": "text"},
    "temperature": 1,
    "top_p": 1,
}
"""What OpenAI takes a field to be that is not there."""
NULLABLE = frozenset(
    {
        *DEFAULTS,
        "audio",
        "function_call",
        "functions",
        "max_completion_tokens",
        "max_tokens",
        "prediction",
        "reasoning_effort",
        "seed",
        "stop",
        "tool_choice",
        "tools",
        "top_logprobs",
        "verbosity",
        "web_search_options",
    }
)
"""Fields that `null` leaves unsaid."""
_NUMBERS = frozenset({"frequency_penalty", "presence_penalty", "temperature", "top_p"})
_NUMERIC = frozenset({int, float})
_CANONICAL = orjson.OPT_SORT_KEYS


@frozen
class Asked:
    """A request that may have a remembered answer."""

    keys: Flight
    route: str
    remember: Remember
    require: Mapping[str, str]
    stream: bool
    usage: bool
    """Whether a stream shows its usage."""
    reads: bool
    """Whether it takes an answer that is there (not with `cache-control: no-cache`)."""

    def permits(self, deployment: Deployment | None) -> bool:
        """Whether an answer of this deployment may be given: it is there, and has what the rules require now."""
        return deployment is not None and self.require.items() <= deployment.labels.items()


def asked(request: ChatRequest, route: Route, bounds: Bounds, caller: Caller) -> Asked | None:
    """What a request asks for; None when it may neither have a remembered answer nor leave one."""
    remember, body, control = route.remember, request.body, caller.control and caller.control.lower()
    if remember is None or (not remember.sampled and _temperature(body, remember) != 0):
        return None
    if body.get("store") or (control and "no-store" in control):
        return None
    whole = [
        caller.tenant,
        route.name,
        route.answers,
        caller.tier,
        caller.threshold,
        caller.budget,  # others are not to be told that it is too little
        caller.session if route.sessions else None,
        bounds.start,
        {**bounds.require},
        _counting(body, remember),
    ]
    try:
        canonical = orjson.dumps(whole, option=_CANONICAL)
    except orjson.JSONEncodeError:  # it writes less deep than it reads; whoever is asked will say so
        return None
    return Asked(
        Flight.of(canonical),
        route.name,
        remember,
        bounds.require,
        request.stream,
        request.include_usage,
        "no-cache" not in control,
    )


def _temperature(body: Mapping[str, Any], remember: Remember) -> float:
    said: float | None = body.get("temperature")
    return remember.temperature if said is None else said


def _counting(body: Mapping[str, Any], remember: Remember) -> dict[str, Any]:
    """What of a body counts, without what says no more than its absence would, and numbers written one way.

    What would fill a field that is absent is a tier's params: such a field always counts.
    """
    counts: dict[str, Any] = {}
    for name, value in body.items():
        if name not in NULLABLE:
            if name not in IGNORED:
                counts[name] = value
        elif value is not None and (name not in DEFAULTS or name in remember.filled or not _is_default(name, value)):
            number = name in _NUMBERS and type(value) in _NUMERIC
            counts[name] = float(value) + 0.0 if number else value  # -0.0 is 0.0
    chosen = counts.get("tool_choice")
    if chosen and "tool_choice" not in remember.filled and chosen == ("auto" if counts.get("tools") else "none"):
        del counts["tool_choice"]
    if remember.reads_metadata:
        counts["metadata"] = body.get("metadata") or {}
    return counts


def _is_default(name: str, value: object) -> bool:
    """Whether a value is what OpenAI takes it to be that is not there; true is not 1."""
    default = DEFAULTS[name]
    return value == default and isinstance(value, bool) is isinstance(default, bool)
