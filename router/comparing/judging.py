"""A blind judge of two answers: what it is asked, what its words mean, and how far it can be believed.

A judge prefers what stands first, or what is longer, more often than chance (Zheng et al., *Judging LLM-as-a-Judge*,
2023). So it never learns which tier wrote what, and it is asked twice with the order swapped. How often it agrees with
people is measured wherever both have spoken of an answer, instead of assumed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, NamedTuple

import orjson

from router.chat import ChatRequest, Completion, text_of
from router.comparing.answers import said

__all__ = ["Answered", "Judgement", "default_prompt", "question", "read", "reconciled"]

_MOST_ASKED = 12_000
"""Characters of the conversation that a judge reads: the end of it, which is what was asked."""
_MOST_SAID = 12_000
_VERDICT = re.compile(r"\{[^{}]*\}")
_FULL = 10


@dataclass(frozen=True, slots=True)
class Judgement:
    """How good two answers are, from 0 to 1."""

    one: float
    other: float


class Answered(NamedTuple):
    """An answer, as a judge is to see it."""

    completion: Completion
    given: str = ""
    """The sources that it was made with, each in its tag and escaped; empty without any."""


def default_prompt() -> str:
    """What a judge is told when the policy brings no words of its own."""
    return (files("router.comparing") / "judge.md").read_text(encoding="utf-8")


def question(prompt: str, request: ChatRequest, first: Answered, second: Answered) -> list[dict[str, str]]:
    """The messages that ask a judge about two answers, in this order, without a word on who gave them.

    Sources that both were made with are shown once.
    """
    asked = "\n\n".join(f"{message['role']}: {_words(message)}" for message in request.messages)
    alike = first.given == second.given
    given = {"sources": first.given} if alike else {"sources_a": first.given, "sources_b": second.given}
    parts = {
        "request": _inside(asked[-_MOST_ASKED:]),
        **{name: text for name, text in given.items() if text},
        "answer_a": _inside(_answer(first.completion)),
        "answer_b": _inside(_answer(second.completion)),
    }
    material = "\n\n".join(f"<{name}>\n{text}\n</{name}>" for name, text in parts.items())
    return [{"role": "system", "content": prompt}, {"role": "user", "content": material}]


def _words(message: Mapping[str, Any]) -> str:
    content = message.get("content")
    calls = message.get("tool_calls")
    return text_of(content) + (f" [calls {orjson.dumps(calls, default=str).decode()}]" if calls else "")


def _answer(completion: Completion) -> str:
    choice = completion.choices[0]
    calls = orjson.dumps([dict(call.get("function") or call) for call in choice.tool_calls]).decode()
    return said(choice)[:_MOST_SAID] + (f"\n[calls {calls}]" if choice.tool_calls else "")


def _inside(text: str) -> str:
    """Text that cannot close the tag it stands in."""
    return text.replace("</", "<\\/")


def read(text: str) -> tuple[float, float] | None:
    """The scores of the first and the second answer, 0 to 1; None when the judge gave none that can be read.

    The last object counts: a judge thinks before it says what it thinks.
    """
    for found in reversed(_VERDICT.findall(text)):
        try:
            verdict = orjson.loads(found)
        except orjson.JSONDecodeError:
            continue
        scores = verdict.get("a"), verdict.get("b")
        if all(isinstance(score, int | float) and not isinstance(score, bool) for score in scores):
            first, second = (min(max(score / _FULL, 0.0), 1.0) for score in scores)
            return first, second
    return None


def reconciled(straight: tuple[float, float] | None, swapped: tuple[float, float] | None) -> Judgement | None:
    """One judgement out of two in opposite orders: the mean of both; None unless both could be read.

    A judge that only prefers what stands first says the opposite of itself, and the mean says that both are alike.
    """
    if straight is None or swapped is None:
        return None
    return Judgement((straight[0] + swapped[1]) / 2, (straight[1] + swapped[0]) / 2)
