"""A stream that is held back, followed chunk by chunk: can any ending still make it good enough?"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from router.chat import ChatRequest, index_of, text_of
from router.verify.verdict import Check, Watch

__all__ = ["Watching"]


class _Followed:
    """One choice, and its watches by what they listen to."""

    __slots__ = ("calls", "refusals", "texts")

    def __init__(self, watches: Sequence[Watch]) -> None:
        self.texts: list[Callable[[str], str | None]] = [one.text for one in watches if one.text]
        self.calls: list[Callable[[int, Mapping[str, Any]], str | None]] = [one.call for one in watches if one.call]
        self.refusals: list[Callable[[str], str | None]] = [one.refusal for one in watches if one.refusal]

    def hear(self, delta: Mapping[str, Any]) -> str | None:
        """Let every watch hear what is new."""
        if self.texts and (content := delta.get("content")):
            text = text_of(content)
            for hear in self.texts:
                if (reason := hear(text)) is not None:
                    return reason
        if self.refusals and (refusal := delta.get("refusal")):
            for hear in self.refusals:
                if (reason := hear(text_of(refusal))) is not None:
                    return reason
        return self._hear_calls(delta) if self.calls else None

    def _hear_calls(self, delta: Mapping[str, Any]) -> str | None:
        calls = delta.get("tool_calls")
        if not calls and (function := delta.get("function_call")):
            calls = ({"index": 0, "function": function},)
        for position, call in enumerate(calls or ()):
            for hear in self.calls:
                if (reason := hear(index_of(call, position), call)) is not None:
                    return reason
        return None


class Watching:
    """Follows every choice of one stream; `add` is asked with each chunk until it gives a reason."""

    __slots__ = ("_checks", "_choices", "_request")

    def __init__(self, checks: Sequence[Check], request: ChatRequest) -> None:
        self._checks = checks
        self._request = request
        self._choices: dict[int, _Followed] = {}

    @classmethod
    def of(cls, checks: Sequence[Check], request: ChatRequest) -> "Watching | None":
        """Return what follows a stream, or None where none of the checks can say anything before the end."""
        made = cls(checks, request)
        followed = made._follow(0)
        return made if followed.texts or followed.calls or followed.refusals else None

    def add(self, chunk: Mapping[str, Any]) -> str | None:
        """Take a chunk that the protocol has accepted; return the reason why the answer cannot pass, or None so far."""
        for choice in chunk.get("choices") or ():
            if delta := choice.get("delta"):
                index = index_of(choice, 0)
                followed = self._choices.get(index) or self._follow(index)
                if (reason := followed.hear(delta)) is not None:
                    return reason
        return None

    def _follow(self, index: int) -> _Followed:
        watches = [watch for check in self._checks if (watch := check.watch(self._request)) is not None]
        followed = self._choices[index] = _Followed(watches)
        return followed
