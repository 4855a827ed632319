"""`complete`: is the answer whole, and is there anything in it?"""

from typing import ClassVar

from typing_extensions import override

from router.chat import ChatRequest, Choice
from router.verify.verdict import Check

__all__ = ["Complete"]


class Complete(Check):
    """Escalates what was cut off (`truncated`) or says nothing (`empty`).

    A `length` finish under the client's own cap is what the client asked for; content may be null beside a tool call
    or a refusal; white space is not words.
    """

    name = "complete"
    reasons: ClassVar[tuple[str, ...]] = ("truncated", "empty")

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        if choice.finish_reason == "length":
            return "truncated" if request.output_cap is None else None
        if choice.refusal or choice.tool_calls or choice.content.strip():
            return None
        return "empty"
