"""What words mean, roughly."""

import numpy as np

from router.chat import ChatRequest
from router.difficulty import text, words


def meaning(content: str) -> words.Vector:
    request = ChatRequest({"messages": [{"role": "user", "content": content}]}, model="auto")
    return words.table().mean(text.read(request))


def test_like_means_like() -> None:
    doctor, nurse, tractor = (meaning(word) for word in ("doctor", "nurse", "tractor"))
    assert doctor @ nurse > doctor @ tractor


def test_a_meaning_has_length_one_or_none() -> None:
    assert np.isclose(np.linalg.norm(meaning("The court dismissed the appeal.")), 1.0, atol=1e-5)
    assert not meaning("").any()
    assert not meaning("zzqqxxyy").any()


def test_the_order_and_case_of_words_do_not_matter() -> None:
    assert np.allclose(meaning("a dog bites the man"), meaning("THE MAN BITES A DOG"), atol=1e-6)


def test_the_table_is_sorted_and_small() -> None:
    table = words.table()
    assert np.all(np.diff(table.hashes.astype(np.int64)) >= 0)
    assert table.vectors.nbytes + table.hashes.nbytes < 2_500_000
    assert len(table.hash) == 16
