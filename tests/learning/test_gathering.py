"""Few outcomes are kept, of many a sample, and none is lost."""

from collections import Counter
from pathlib import Path

import numpy as np

from router import signals
from router.learning.data import Tally, rows
from router.learning.gathering import FOLDS, Gathered, fold, gather
from router.learning.shelf import Shelf
from tests.learning.outcomes import lines, written
from tests.learning.small import read

TIERS = ("tuned", "frontier")


def gathered(folder: Path, *paths: Path, most: int, told: list[int] | None = None) -> Gathered:
    (folder / "shelf").mkdir(exist_ok=True)
    tally, said = Tally(), [] if told is None else told
    read, shelf = rows(paths, TIERS, tally), Shelf(folder / "shelf")
    return gather(read, shelf, most=most, seed=0, told=lambda: said.append(tally.bytes))


def test_few_rows_are_all_kept(tmp_path: Path) -> None:
    found = gathered(tmp_path, written(tmp_path / "d.jsonl", lines(50)), most=50)
    assert [row.id for row in found.rows] == [f"row-{number}" for number in range(50)]
    assert found.shelf is None


def test_of_many_an_even_sample_is_kept_and_all_are_on_the_shelf(tmp_path: Path) -> None:
    found = gathered(tmp_path, written(tmp_path / "d.jsonl", lines(1_000)), most=100)
    assert found.shelf is not None
    assert found.shelf.rows == 1_000
    numbers = [int(row.id.removeprefix("row-")) for row in found.rows]
    assert len(set(numbers)) == 100
    assert 350 < np.mean(numbers) < 650
    scores = np.concatenate([block.scores for block in found.shelf.blocks()])
    assert scores[:, 0].tolist() == [row["outcomes"]["tuned"]["score"] for row in lines(1_000)]


def test_progress_goes_to_the_end_of_the_last_file(tmp_path: Path) -> None:
    paths = [written(tmp_path / f"{number}.jsonl", lines(2_500)) for number in range(2)]
    told: list[int] = []
    gathered(tmp_path, *paths, most=10_000, told=told)
    size = sum(path.stat().st_size for path in paths)
    assert told == sorted(told)
    assert told[-1] == size
    assert any(0 < done < size for done in told)


def test_of_a_huge_request_only_what_is_looked_at_is_kept(tmp_path: Path) -> None:
    (row,) = lines(1)
    row["messages"] = [{"role": "system", "content": "s" * 50_000}, {"role": "user", "content": "why? " * 20_000}]
    (found,) = gathered(tmp_path, written(tmp_path / "d.jsonl", [row]), most=10).rows
    kept = signals.subject(found.request)
    assert len(str(found.request.body)) < 5_000
    assert signals.clip(kept) == signals.clip("why? " * 20_000)


def test_folds_are_of_like_size_and_the_same_for_the_same_text() -> None:
    made = read(2_000)
    sizes = Counter(fold(row, 0) for row in made)
    assert set(sizes) == set(range(FOLDS))
    assert min(sizes.values()) > 200
    by_text = {signals.subject(row.request): fold(row, 0) for row in made}
    assert all(by_text[signals.subject(row.request)] == fold(row, 0) for row in made)
    assert [fold(row, 1) for row in made] != [fold(row, 0) for row in made]
