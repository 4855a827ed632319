"""`logprob`: how sure was the model of its own words?

Log probabilities alone gave others no uplift; docs/checks.md has the evidence. A model may be sure of what is wrong.
"""

from typing import ClassVar

from typing_extensions import override

from router.chat import ChatRequest, Choice
from router.policy.checks import Logprob
from router.verify.verdict import Check

__all__ = ["Sure"]


class Sure(Check):
    """Escalates an answer whose tokens were too unlikely (`unsure`); without log probabilities nothing is judged."""

    name = "logprob"
    reasons: ClassVar[tuple[str, ...]] = ("unsure",)
    reads_logprobs = True

    def __init__(self, spec: Logprob) -> None:
        self._mean = spec.mean
        self._min = spec.min
        self._low = spec.low
        self._share = spec.share

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        logprobs = choice.logprobs
        if not logprobs:
            return None
        if self._mean is not None and sum(logprobs) < self._mean * len(logprobs):
            return "unsure"
        if self._min is not None and min(logprobs) < self._min:
            return "unsure"
        low = sum(one < self._low for one in logprobs) if self._share is not None else 0
        return "unsure" if self._share is not None and low > self._share * len(logprobs) else None
