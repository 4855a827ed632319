"""`repetition`: is the model going round in circles?

A loop is a block of text that follows itself at once, several times: a word, a sentence, a few lines. It is looked for
from every 64th character on: do the next 32 characters come again soon, and does everything between come again with
them, often enough? What is compared is bounded, so the cost grows with the answer's length and nothing else.
"""

from typing import ClassVar

from typing_extensions import override

from router.chat import ChatRequest, Choice
from router.policy.checks import Repetition
from router.verify.verdict import Check, Watch

__all__ = ["Repeats"]

_STRIDE = 64
_PROBE = 32
_LONGEST = 600
"""Characters of the longest block that is recognised."""
_TRIES = 3
"""A probe may come again inside its own block: so many distances are tried."""
_WORDLESS = 4
"""Rules, tables and zeros repeat by nature: a block without a letter must go on so many times as long."""
_EVERY = 512
"""Characters that a stream gathers before it is looked at again."""


class Repeats(Check):
    """Escalates an answer in which a block of text follows itself again and again (`repetition`)."""

    name = "repetition"
    reasons: ClassVar[tuple[str, ...]] = ("repetition",)

    def __init__(self, spec: Repetition) -> None:
        self._characters = spec.characters
        self._times = spec.times

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        text = choice.content
        last = len(text) - min(self._characters, _STRIDE)
        return "repetition" if any(self.loops(text, at) for at in range(0, last, _STRIDE)) else None

    @override
    def watch(self, request: ChatRequest) -> Watch:
        return Watch(text=_Follower(self).feed)

    @property
    def reach(self) -> int:
        """How many characters after a place decide whether a loop begins there."""
        return max(self._characters * _WORDLESS, self._times * _LONGEST) + _PROBE

    def loops(self, text: str, at: int) -> bool:
        """Whether a loop begins here, as far as the text goes; more text never takes it back."""
        probe = text[at : at + _PROBE]
        again = at
        for _ in range(_TRIES):
            again = text.find(probe, again + 1, at + _LONGEST + _PROBE)
            if again < 0:
                return False
            period = again - at
            end = at + max(self._characters, self._times * period)
            if end <= len(text) and text[at : end - period] == text[again:end]:
                block = text[at:again]
                if any(map(str.isalpha, block)):
                    return True
                end = at + max(self._characters * _WORDLESS, self._times * period)
                return end <= len(text) and text[at : end - period] == text[again:end]
        return False


class _Follower:
    """Looks for loops in a stream, from the same places as in the whole answer."""

    __slots__ = ("_at", "_check", "_gathered", "_new", "_text")

    def __init__(self, check: Repeats) -> None:
        self._check = check
        self._text = ""
        self._at = 0
        self._new: list[str] = []
        self._gathered = 0

    def feed(self, text: str) -> str | None:
        self._new.append(text)
        self._gathered += len(text)
        if self._gathered < _EVERY:
            return None
        self._text = self._text[self._at :] + "".join(self._new)
        self._new.clear()
        self._at = self._gathered = 0
        while self._at + self._check.reach <= len(self._text):
            if self._check.loops(self._text, self._at):
                return "repetition"
            self._at += _STRIDE
        return None
