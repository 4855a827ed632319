"""Text into numbers that typing habits hardly change."""

import math

import numpy as np
import pytest

from router import signals
from router.chat import ChatRequest
from router.difficulty import text


def request(content: str) -> ChatRequest:
    return ChatRequest({"messages": [{"role": "user", "content": content}]}, model="auto")


def test_words_numbers_and_marks() -> None:
    assert text.read(request("Don't pay $1,234.50 für x!")).tokens.words == [
        b"don't", b"pay", b"$", b"0", b",", b"000", b".", b"00", "für".encode(), b"x", b"!",
    ]  # fmt: skip


def test_case_digits_and_spaces_are_alike() -> None:
    one, other = text.read(request("What is 12 + 34?")), text.read(request("WHAT  is\n98 + 76?"))
    assert np.array_equal(text.grams(one), text.grams(other))


def test_grams_are_distinct_and_sorted() -> None:
    found = text.grams(text.read(request("a b a b a b c")))
    assert len(found) == 6  # a, b, c; ab, ba, bc
    assert np.all(np.diff(found.astype(np.int64)) > 0)
    assert found.max() < 1 << text.BITS


def test_nothing_has_no_grams() -> None:
    assert len(text.grams(text.read(request("")))) == 0


def test_every_measure_of_structure_has_a_name() -> None:
    for content in ("", "One word.", "Pick one:\nA. yes\nB. no\n" * 200):
        asked = request(content)
        measures = text.structure(text.read(asked), signals.read(asked))
        assert measures.shape == (len(text.STRUCTURE),)
        assert np.isfinite(measures).all()


def test_structure_tells_a_formula_from_a_story() -> None:
    formula, story = (
        text.structure(text.read(asked), signals.read(asked))
        for asked in (request(r"Compute $\int_0^1 x^2 \, dx$."), request("Tell me a story about a fox."))
    )
    higher = {name for name, more in zip(text.STRUCTURE, formula > story, strict=True) if more}
    assert {"digits", "maths", "formulas", "numbers"} <= higher


def test_decimals_and_fractions_are_counted_whatever_their_digits() -> None:
    asked = request("Pay $1.50 and $20.75, of which 3/4 at once.")
    told = dict(zip(text.STRUCTURE, text.structure(text.read(asked), signals.read(asked)).tolist(), strict=True))
    assert told["decimals"] == pytest.approx(math.log1p(2))
    assert told["fractions"] == pytest.approx(math.log1p(1))
