"""A fake's embeddings: the same words, the same numbers."""

import base64
import struct

import pytest

from router.demo.vectors import DIMENSIONS, embedded, entries


def near(one: str, other: str) -> float:
    """How near two texts are, from -1 to 1."""
    first, second = embedded(one, {}), embedded(other, {})
    assert isinstance(first, list)
    assert isinstance(second, list)
    return sum(a * b for a, b in zip(first, second, strict=True))


def test_the_same_text_always_has_the_same_embedding_of_length_one() -> None:
    assert embedded("how are you", {}) == embedded("how are you", {})
    assert near("how are you", "How are you?") == pytest.approx(1.0, abs=1e-6)


def test_texts_that_share_words_are_near_each_other_and_others_are_not() -> None:
    assert near("the cat sat on the mat", "the cat lay on the mat") > 0.7
    assert near("the cat sat on the mat", "invoices are due within thirty days") < 0.6


@pytest.mark.parametrize("size", [1, 8, 64, 65, 200])
def test_it_has_as_many_numbers_as_are_asked_for(size: int) -> None:
    assert len(embedded("hi", {"dimensions": size})) == size


@pytest.mark.parametrize("size", [None, 0, -1, "8"])
def test_it_has_the_usual_number_where_nobody_says(size: object) -> None:
    assert len(embedded("hi", {"dimensions": size})) == DIMENSIONS


def test_base64_says_the_same() -> None:
    coded = embedded("hi", {"encoding_format": "base64", "dimensions": 3})
    assert isinstance(coded, str)
    assert list(struct.unpack("<3f", base64.b64decode(coded))) == embedded("hi", {"dimensions": 3})


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ("hi", ["hi"]),
        (["hi", "you"], ["hi", "you"]),
        ([1, 2], ["1 2"]),
        ([[1, 2], [3]], ["1 2", "3"]),
        ([], [""]),
    ],
)
def test_an_input_is_one_text_or_several_or_their_tokens(given: object, texts: list[str]) -> None:
    assert entries(given) == texts


def test_a_text_without_a_word_has_an_embedding_too() -> None:
    assert embedded("?!", {}) != embedded("...", {})
