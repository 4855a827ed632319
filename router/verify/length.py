"""`length`: is the answer as long as an answer here may be?"""

from typing import ClassVar

from typing_extensions import override

from router.chat import ChatRequest, Choice
from router.policy.checks import Length as Spec
from router.verify.verdict import Check, Watch, cut

__all__ = ["Length"]


class Length(Check):
    """Escalates text that is `too_short` or `too_long`; an answer that only calls tools has no text to measure."""

    name = "length"
    reasons: ClassVar[tuple[str, ...]] = ("too_short", "too_long")

    def __init__(self, spec: Spec) -> None:
        self._least = spec.min
        self._most = spec.max
        self._words = spec.unit == "words"

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        length = len(choice.content.split()) if self._words else len(choice.content)
        if self._most is not None and length > self._most:
            return "too_long"
        silent = (choice.tool_calls or choice.refusal) and not length
        if self._least is not None and length < self._least and not silent and not cut(choice, request):
            return "too_short"
        return None

    @override
    def watch(self, request: ChatRequest) -> Watch | None:
        return None if self._most is None or self._words else Watch(text=_Measure(self._most).feed)


class _Measure:
    """Counts characters as they come."""

    __slots__ = ("_left",)

    def __init__(self, most: int) -> None:
        self._left = most

    def feed(self, text: str) -> str | None:
        self._left -= len(text)
        return "too_long" if self._left < 0 else None
