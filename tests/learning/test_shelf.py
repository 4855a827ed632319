"""Rows on disk come back as they were."""

from pathlib import Path

import numpy as np
import pytest

from router import signals
from router.difficulty.features import Raw, raw
from router.learning import experts, shelf
from router.learning.shelf import Shelf
from tests.learning.small import read


def filled(folder: Path) -> tuple[Shelf, list[Raw]]:
    """Return a shelf with fifty rows in blocks of twenty, and what was put there."""
    made, raws = Shelf(folder), []
    for number, row in enumerate(read(50)):
        raws.append(raw(row.request, signals.read(row.request)))
        made.add(raws[-1], row.scores, number % 5)
    made.flush()
    return made, raws


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "BLOCK", 20)


def test_rows_come_back_in_blocks(tmp_path: Path) -> None:
    made, raws = filled(tmp_path)
    blocks = list(made.blocks())
    assert [len(block.counts) for block in blocks] == [20, 20, 10]
    assert blocks[1].grams.tolist() == np.concatenate([one.grams for one in raws[20:40]]).tolist()
    assert np.array_equal(blocks[2].structure, np.array([one.structure for one in raws[40:]]))
    assert blocks[0].marks.tolist() == [0, 1, 2, 3, 4] * 4
    assert made.rows == 50


def test_copies_are_counted(tmp_path: Path) -> None:
    made, _ = filled(tmp_path)
    (row,) = read(1)
    made.add(raw(row.request, signals.read(row.request)), row.scores, 4)
    made.flush()
    assert made.copies()(np.array([0, 4, 0], np.uint32)).tolist() == [10, 11, 10]


def test_what_rows_have_in_common_is_what_a_space_of_them_finds(tmp_path: Path) -> None:
    made, raws = filled(tmp_path)
    space, found = experts.space(raws, seed=0), made.common()
    assert np.array_equal(found.rarity, space.rarity)
    assert np.allclose(found.centre, space.centre, atol=1e-5)
    assert np.allclose(found.scale, space.scale, atol=1e-4)


def test_writing_nothing_leaves_nothing(tmp_path: Path) -> None:
    made = Shelf(tmp_path)
    made.flush()
    assert list(made.blocks()) == []
    assert not list(tmp_path.iterdir())
