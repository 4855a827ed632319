"""Operators' regular expressions: what they find, what is refused, and how long they may take."""

import pytest

from router.clock import SYSTEM
from router.patterns import PatternError, compiled


def test_a_pattern_is_found_anywhere() -> None:
    assert compiled(r"(?i)\binvoice\b").search("Your INVOICE, please") is not None
    assert compiled("^batch-").search("no batch-1") is None


def test_every_place_and_its_groups_are_found() -> None:
    found = list(compiled(r"(\d+)|<(é+)>").finditer("ñ 12 <éé>"))
    assert [(match[0], match.groups()) for match in found] == [("12", ("12", None)), ("<éé>", (None, "éé"))]


@pytest.mark.parametrize("pattern", ["(a", "*a", "a{2,1}", "x" + "(" * 200])
def test_what_is_no_regular_expression_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match="not a regular expression: "):
        compiled(pattern)


@pytest.mark.parametrize("pattern", [r"(?=a)b", r"(?<!a)b", r"(a)\1", r"(?P<n>a)(?P=n)", "x{1001}"])
def test_what_nothing_would_bound_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match="could take for ever"):
        compiled(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"(a+)+$", "a" * 100_000 + "!"),
        (r"(\w+\s?)*$", "word " * 20_000 + "!"),
        (r"\s*\s*\s*$", " " * 100_000 + "x"),
        (r".*x.*y.*z", "x" * 100_000),
    ],
)
def test_no_pattern_takes_longer_than_its_text_is_long(pattern: str, text: str) -> None:
    """The first of them would take Python's own longer than there is a universe."""
    begun = SYSTEM.now()
    compiled(pattern).search(text)
    assert SYSTEM.now() - begun < 5.0
