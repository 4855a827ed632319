"""Requests, answers and checks for tests, as short as one can say them."""

from typing import Any

import orjson

from router.chat import ChatRequest, Choice, Completion, parse
from router.policy.checks import Check as Spec
from router.policy.checks import read_check
from router.verify import Check, Watching, compiled

__all__ = ["asked", "call", "made", "said", "told", "verdict"]


def asked(text: str = "hi", **more: Any) -> ChatRequest:
    """Return a request of one user turn."""
    return parse(orjson.dumps({"model": "auto", "messages": [{"role": "user", "content": text}], **more}))


def said(*choices: Choice) -> Completion:
    """Return a completion of these choices."""
    return Completion(choices, None, "m")


def made(item: object, imposed: object = None) -> Check:
    """Return the check that a policy's item comes to."""
    (check,) = compiled([Spec.model_validate(read_check(item))], imposed_format=imposed)
    return check


def call(arguments: object = "{}", name: str = "find", identity: str | None = "call_1") -> dict[str, Any]:
    """Return a tool call."""
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def verdict(check: Check, answer: Choice | str, request: ChatRequest | None = None) -> str:
    """Return what a check says of an answer: `ok`, or its reason, which it must have declared."""
    choice = Choice("stop", answer) if isinstance(answer, str) else answer
    reason = check.fault(choice, request or asked())
    assert reason is None or reason in check.reasons
    return reason or "ok"


def told(check: Check, *deltas: dict[str, Any] | str, request: ChatRequest | None = None) -> list[str | None]:
    """Return what following a stream says after each delta, until it says something."""
    watching = Watching.of((check,), request or asked())
    heard: list[str | None] = []
    for delta in deltas:
        change = {"content": delta} if isinstance(delta, str) else delta
        heard.append(watching.add({"choices": [{"index": 0, "delta": change}]}) if watching else None)
        if heard[-1]:
            break
    return heard
