"""The word table, made from vectors."""

from zlib import crc32

import numpy as np

from router.difficulty.words import WIDTH
from router.learning.words import table


def test_words_are_sorted_by_hash_and_rare_ones_weigh_more() -> None:
    draw = np.random.default_rng(0)
    vectors = draw.standard_normal((300, 80)).astype(np.float32)
    header, arrays = table([f"word{number}" for number in range(300)], vectors, np.linspace(0.1, 1, 300))
    assert header["words"] == 300
    assert np.all(np.diff(arrays["hashes"].astype(np.int64)) > 0)
    assert arrays["vectors"].shape == (300, WIDTH)
    lengths = np.linalg.norm(arrays["vectors"] * arrays["scale"], axis=1)
    order = np.argsort([crc32(f"word{number}".encode()) for number in range(300)])
    assert lengths[order > 250].mean() > 3 * lengths[order < 50].mean()
