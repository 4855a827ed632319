"""A text cut at once is cut as if word by word, and hashed as zlib does it."""

import re
from zlib import crc32

import numpy as np
import pytest

from router.difficulty.tokens import LONGEST, MARK, NUMBER, WORD, cut

ONE_BY_ONE = re.compile(rb"[a-z\x80-\xff]+(?:'[a-z]+)?|0+|[^\sa-z0\x80-\xff]")
TEXTS = [
    "",
    " \t\n\r\x0b\x0c ",
    "a",
    " what is 00 + 000? ",
    "don't, o'neill''s 'quoted' rock'n'roll's",
    "für ü'a das größte 東京 --\x1c\x00-- !!",
    "def f(x: int) -> int:\n\treturn x[0] ** 00\n" * 40,
]


@pytest.mark.parametrize("text", TEXTS)
def test_it_is_cut_and_hashed_as_if_one_by_one(text: str) -> None:
    encoded = text.encode()
    found, expected = cut(encoded), ONE_BY_ONE.findall(encoded)
    assert found.words == expected
    assert found.hashes.tolist() == [*map(crc32, expected)]
    assert found.lengths.tolist() == [*map(len, expected)]


def test_every_token_says_what_it_is() -> None:
    assert cut(b"don't pay 00!!").kinds.tolist() == [WORD, WORD, NUMBER, MARK, MARK]


def test_a_word_longer_than_any_word_has_a_hash_of_its_own_too() -> None:
    longest, longer, other = (cut(word).hashes for word in (b"a" * LONGEST, b"b" * 3_000 + b"c", b"b" * 3_000 + b"d"))
    assert longest.tolist() == [crc32(b"a" * LONGEST)]
    assert longer.dtype == np.uint32
    assert longer.tolist() != other.tolist()
