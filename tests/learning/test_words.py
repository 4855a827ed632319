"""The word table, made from vectors."""

from zlib import crc32

import numpy as np

from router.difficulty.words import WIDTH
from router.learning.words import moved, shares, table

WORDS = [f"word{number}" for number in range(300)]
DRAW = np.random.default_rng(0)
TEXTS = [
    np.array([crc32(WORDS[place].encode()) for place in DRAW.integers(0, 300, 20)] + [crc32(b"unheard-of")], np.uint32)
    for _ in range(200)
]
MEANS = shares(WORDS, np.ones(300), TEXTS)


def test_the_shares_of_a_texts_known_words_add_up_to_one() -> None:
    assert MEANS.shape == (200, 300)
    assert np.allclose(MEANS.sum(1), 1)


def test_words_move_until_their_mean_says_what_the_text_says() -> None:
    alone, whole = DRAW.standard_normal((300, 8)), DRAW.standard_normal((200, 8))
    wanted = whole - whole.mean(0)
    before, after = MEANS @ (alone - alone.mean(0)), MEANS @ moved(alone, MEANS, whole)
    assert np.square(after - wanted).mean() < 0.7 * np.square(before - wanted).mean()


def test_words_are_sorted_by_hash_and_rare_ones_weigh_more() -> None:
    vectors = DRAW.standard_normal((300, 80))
    header, arrays = table(WORDS, vectors, np.linspace(0.1, 1, 300), MEANS)
    assert header["words"] == 300
    assert np.all(np.diff(arrays["hashes"].astype(np.int64)) > 0)
    assert arrays["vectors"].shape == (300, WIDTH)
    lengths = np.linalg.norm(arrays["vectors"] * arrays["scale"], axis=1)
    order = np.argsort([crc32(word.encode()) for word in WORDS])
    assert lengths[order > 250].mean() > 3 * lengths[order < 50].mean()
