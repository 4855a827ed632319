"""What a check is, and how the checks of a tier come to one verdict."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from router.chat import ChatRequest, Choice, Completion

__all__ = ["ACCEPTED", "Check", "Verdict", "Watch", "cut", "judge", "usable"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Accept, or escalate with the reason: one word, a metric's label."""

    accepted: bool
    reason: str = "ok"


ACCEPTED = Verdict(accepted=True)


@dataclass(frozen=True, slots=True)
class Watch:
    """What follows one choice of a stream: each function takes what is new and gives a reason, or None so far.

    A reason is final: whatever comes after it, the whole answer would not pass the same check either.
    """

    text: Callable[[str], str | None] | None = None
    """Pieces of the content."""
    call: Callable[[int, Mapping[str, Any]], str | None] | None = None
    """Pieces of tool calls, each with the index of its call."""
    refusal: Callable[[str], str | None] | None = None
    """Pieces of a structured refusal."""


class Check:
    """One kind of check with its parameters. A subclass gives `name`, `reasons` and `fault`, and perhaps `watch`."""

    name: ClassVar[str]
    """As policies spell it."""
    reasons: ClassVar[tuple[str, ...]]
    """Every reason it gives: labels of metrics, each explained in docs/checks.md."""
    hard: ClassVar[frozenset[str]] = frozenset()
    """Those of its reasons for which no answer at all is better: what would break a program, or must not be said."""
    reads_logprobs: ClassVar[bool] = False
    """Whether the upstream must be asked for log probabilities."""

    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        """Return the reason why a finished choice is not good enough, or None."""
        raise NotImplementedError

    def watch(self, request: ChatRequest) -> Watch | None:  # noqa: ARG002  most can say nothing before the end
        """Return what follows a choice of a stream, or None where only the end can tell."""
        return None


def judge(completion: Completion, request: ChatRequest, checks: Iterable[Check]) -> Verdict:
    """The first verdict that does not accept, in the order of the tier's checks."""
    for check in checks:
        for choice in completion.choices:
            if (reason := check.fault(choice, request)) is not None:
                return Verdict(accepted=False, reason=reason)
    return ACCEPTED


def usable(completion: Completion, request: ChatRequest, checks: Iterable[Check]) -> bool:
    """Whether an answer that is not good enough is better than an error, when nobody has a better one."""
    hard = [check for check in checks if check.hard]
    return not any(
        _worthless(choice, request) or any(check.fault(choice, request) in check.hard for check in hard)
        for choice in completion.choices
    )


def _worthless(choice: Choice, request: ChatRequest) -> bool:
    """Whether there is nothing in it, or it is cut off where a program would read it."""
    if not (choice.content.strip() or choice.refusal or choice.tool_calls):
        return True
    asked = request.body.get("response_format") or {}
    return choice.finish_reason == "length" and bool(choice.tool_calls or asked.get("type", "text") != "text")


def cut(choice: Choice, request: ChatRequest) -> bool:
    """Whether the client's own cap ended this choice: it is then judged as far as it goes, and nothing is missing."""
    return choice.finish_reason == "length" and request.output_cap is not None
