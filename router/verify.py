"""Is this answer good enough to send, or must a stronger tier try?

Every check is a pure function from a completion and the request it answers to a verdict.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from router.chat import ChatRequest, Choice, Completion

__all__ = ["ACCEPTED", "CHECKS", "Check", "Verdict", "complete", "judge"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Accept, or escalate with the reason: one word, a metric's label."""

    accepted: bool
    reason: str = "ok"


Check = Callable[[Completion, ChatRequest], Verdict]

ACCEPTED = Verdict(accepted=True)


def judge(completion: Completion, request: ChatRequest, checks: Iterable[Check]) -> Verdict:
    """The first verdict that does not accept, in the order of the tier's checks."""
    for check in checks:
        verdict = check(completion, request)
        if not verdict.accepted:
            return verdict
    return ACCEPTED


def complete(completion: Completion, request: ChatRequest) -> Verdict:
    """Escalates what was cut off (`truncated`) or says nothing (`empty`).

    A `length` finish under the client's own cap is what the client asked for; content may be null beside a tool call
    or a refusal.
    """
    for choice in completion.choices:
        if choice.finish_reason == "length":
            if request.output_cap is None:
                return Verdict(accepted=False, reason="truncated")
        elif _says_nothing(choice):
            return Verdict(accepted=False, reason="empty")
    return ACCEPTED


def _says_nothing(choice: Choice) -> bool:
    """Whether it has neither words, nor a refusal, nor a tool call; white space is not words."""
    return choice.empty or not (choice.refusal or choice.tool_calls or choice.content.strip())


CHECKS: Mapping[str, Check] = {"complete": complete}
"""By the names a policy gives them."""
