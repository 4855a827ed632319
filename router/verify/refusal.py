"""`refusal`: does the model decline instead of answering?"""

from typing import ClassVar

from typing_extensions import override

from router.chat import ChatRequest, Choice
from router.verify.phrases import OPENING, compiled, refuses
from router.verify.verdict import Check, Watch

__all__ = ["Refusal"]


class Refusal(Check):
    """Escalates a structured refusal, and text that opens with one (`refused`).

    Precise rather than greedy: what only mentions a refusal, quotes one, regrets something, or limits itself before it
    answers is an answer. Text beside a tool call is not judged.
    """

    name = "refusal"
    reasons: ClassVar[tuple[str, ...]] = ("refused",)

    def __init__(self) -> None:
        compiled()  # with the policy that wants the check, not with the first answer

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        if choice.refusal:
            return "refused"
        return "refused" if not choice.tool_calls and refuses(choice.content) else None

    @override
    def watch(self, request: ChatRequest) -> Watch:
        """A request with tools may still get a call after the first words, so there only the end can tell."""
        calls = request.body.get("tools") or request.body.get("functions")
        return Watch(text=None if calls else _Opening().feed, refusal=lambda piece: "refused" if piece else None)


class _Opening:
    """Reads the opening of a stream."""

    __slots__ = ("_done", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._done = False

    def feed(self, text: str) -> str | None:
        if self._done:
            return None
        self._text = (self._text + text).lstrip()
        if refuses(self._text):
            return "refused"
        self._done = len(self._text) >= OPENING
        return None
