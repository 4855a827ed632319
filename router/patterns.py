r"""Operators' regular expressions, searched in a time that grows with the text and nothing else; the door to RE2.

A pattern that backtracks holds up every request of a process: Python's `(a+)+$` takes twelve seconds for 27 letters.
RE2 has no lookarounds and no backreferences instead, and `\w`, `\d`, `\b` mean ASCII (docs/decisions/0007-patterns.md).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

import re2

__all__ = ["Match", "Pattern", "PatternError", "compiled"]


class PatternError(ValueError):
    """A pattern that cannot be searched; says why."""


class Match(Protocol):
    """Where a pattern was found."""

    def __getitem__(self, group: int, /) -> str: ...

    def groups(self) -> Sequence[str | None]:
        """What each of its groups found."""
        ...


class Pattern(Protocol):
    """A pattern that can be searched for."""

    def search(self, text: str, /) -> Match | None:
        """Find it, anywhere in a text."""
        ...

    def finditer(self, text: str, /) -> Iterator[Match]:
        """Find it wherever it is."""
        ...


def compiled(pattern: str) -> Pattern:
    """Read a regular expression that means the same to Python and to RE2.

    Raises:
        PatternError: it is none, or one whose search nothing would bound.
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"not a regular expression: {error}") from error
    options = re2.Options()
    options.log_errors = False
    try:
        found: Pattern = re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode(errors="replace")
        raise PatternError(
            f"searching it could take for ever ({why}): write it without lookaround and backreference"
        ) from error
    return found
