"""`regex`: does the answer look as answers here look?"""

from typing import ClassVar

from typing_extensions import override

from router.chat import ChatRequest, Choice
from router.patterns import compiled
from router.policy.checks import Regex
from router.verify.verdict import Check, cut

__all__ = ["Matches"]


class Matches(Check):
    """Escalates text in which the pattern is not found (`no_match`); a tool call instead of text passes.

    The pattern is the operator's own; whatever it says, its search takes no longer than the text is long.
    """

    name = "regex"
    reasons: ClassVar[tuple[str, ...]] = ("no_match",)

    def __init__(self, spec: Regex) -> None:
        self._search = compiled(spec.pattern).search

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        if ((choice.tool_calls or choice.refusal) and not choice.content) or cut(choice, request):
            return None
        return None if self._search(choice.content) else "no_match"
