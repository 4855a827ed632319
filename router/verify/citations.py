"""`citations`: does the answer cite only sources that it was given?"""

import re
from typing import ClassVar

from typing_extensions import override

from router.chat import ChatRequest, Choice, text_of
from router.patterns import Pattern, compiled
from router.policy.checks import DEFAULT_CITED
from router.policy.checks import Citations as Spec
from router.verify.verdict import Check, Watch, cut

__all__ = ["Citations"]

_BUILT_IN: Pattern = re.compile(DEFAULT_CITED, re.ASCII)
_BETWEEN = re.compile("[,;]")
"""Spaces around it are taken off later: a row of them, searched for together, would be searched from each of them."""
_LONGEST = 200
"""Characters of an open bracket that a stream waits for; what is longer is left to the whole answer's check."""


class Citations(Check):
    """Escalates what cites a source nobody gave (`unknown_source`), or cites nothing where it must (`no_citation`)."""

    name = "citations"
    reasons: ClassVar[tuple[str, ...]] = ("unknown_source", "no_citation")
    hard: ClassVar[frozenset[str]] = frozenset({"unknown_source"})

    def __init__(self, spec: Spec) -> None:
        self._cited = _pattern(spec.cited)
        self._sources = _pattern(spec.sources)
        self._required = spec.required
        self._closes = spec.cited == DEFAULT_CITED

    @override
    def fault(self, choice: Choice, request: ChatRequest) -> str | None:
        cited = _named(self._cited, choice.content)
        if cited:
            return None if cited <= self._given(request) else "unknown_source"
        silent = (choice.tool_calls or choice.refusal) and not choice.content
        return "no_citation" if self._required and not silent and not cut(choice, request) else None

    @override
    def watch(self, request: ChatRequest) -> Watch | None:
        """Only the built-in pattern is known to mean the same at the end of a piece as in the middle of a text."""
        return Watch(text=_Reader(self._cited, self._given(request)).feed) if self._closes else None

    def _given(self, request: ChatRequest) -> set[str]:
        """The sources in what the model was given; what an assistant said earlier gives none.

        Where they were retrieved, those are all there are: a user who writes "[7]" gives no source.
        """
        if request.sources is not None:
            return set(request.sources)
        given = [message.get("content") for message in request.messages if message["role"] != "assistant"]
        return set[str]().union(*(_named(self._sources, text_of(content)) for content in given))


class _Reader:
    """Reads a stream's citations, wherever it splits them."""

    __slots__ = ("_cited", "_given", "_open")

    def __init__(self, cited: Pattern, given: set[str]) -> None:
        self._cited = cited
        self._given = given
        self._open = ""

    def feed(self, text: str) -> str | None:
        if not self._open and "[" not in text:
            return None
        heard = self._open + text
        if not _named(self._cited, heard) <= self._given:
            return "unknown_source"
        begun = heard.rfind("[")
        rest = heard[begun:] if begun >= 0 else ""
        self._open = "" if "]" in rest or len(rest) > _LONGEST else rest
        return None


def _pattern(said: str) -> Pattern:
    """Read a pattern; ours goes to Python's own engine, which finds it in a sixth of the time and is not led astray.

    Nothing in it can match in two ways, so there is nothing to go back to.
    """
    return _BUILT_IN if said == DEFAULT_CITED else compiled(said)


def _named(pattern: Pattern, text: str) -> set[str]:
    """Every id in a text: the first group that matched, taken apart where it lists several."""
    found = (next((group for group in match.groups() if group), match[0]) for match in pattern.finditer(text))
    return {one.strip() for ids in found for one in _BETWEEN.split(ids)}
