"""`must_contain` and `must_not_contain`: does the answer say what it must, and nothing that it must not?"""

from typing import ClassVar

from typing_extensions import override

from router.chat import ChatRequest, Choice
from router.policy.checks import Texts
from router.verify.verdict import Check, Watch, cut

__all__ = ["MustContain", "MustNotContain"]


class MustContain(Check):
    """Escalates an answer without one of the texts (`text_missing`); a tool call instead of text passes."""

    name = "must_contain"
    reasons: ClassVar[tuple[str, ...]] = ("text_missing",)

    def __init__(self, spec: Texts) -> None:
        self._folds = spec.ignore_case
        self._texts = _folded(spec)

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        if ((choice.tool_calls or choice.refusal) and not choice.content) or cut(choice, request):
            return None
        said = choice.content.casefold() if self._folds else choice.content
        return None if all(text in said for text in self._texts) else "text_missing"


class MustNotContain(Check):
    """Escalates an answer with one of the texts (`text_forbidden`)."""

    name = "must_not_contain"
    reasons: ClassVar[tuple[str, ...]] = ("text_forbidden",)
    hard: ClassVar[frozenset[str]] = frozenset(reasons)

    def __init__(self, spec: Texts) -> None:
        self._folds = spec.ignore_case
        self._texts = _folded(spec)

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        said = choice.content.casefold() if self._folds else choice.content
        return "text_forbidden" if any(text in said for text in self._texts) else None

    @override
    def watch(self, request: ChatRequest) -> Watch:
        return Watch(text=_Listener(self._texts, folds=self._folds).feed)


class _Listener:
    """Listens for texts, wherever the stream splits them."""

    __slots__ = ("_folds", "_keep", "_tail", "_texts")

    def __init__(self, texts: tuple[str, ...], *, folds: bool) -> None:
        self._texts = texts
        self._folds = folds
        self._keep = max(map(len, texts)) - 1
        self._tail = ""

    def feed(self, text: str) -> str | None:
        heard = self._tail + (text.casefold() if self._folds else text)
        if any(one in heard for one in self._texts):
            return "text_forbidden"
        self._tail = heard[-self._keep :] if self._keep else ""
        return None


def _folded(spec: Texts) -> tuple[str, ...]:
    return tuple(text.casefold() if spec.ignore_case else text for text in spec.texts)
