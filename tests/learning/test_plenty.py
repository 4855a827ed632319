"""Learning words from a shelf is learning them from memory."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np

from router import signals
from router.difficulty.features import raw
from router.difficulty.model import Linear
from router.learning import experts, plenty
from router.learning.data import Row, scores
from router.learning.gathering import FOLDS, fold
from router.learning.shelf import Shelf
from tests.learning.small import read

ROWS = read(400)


def shelf(folder: Path, rows: Sequence[Row] = ROWS) -> Shelf:
    folder.mkdir(exist_ok=True)
    made = Shelf(folder)
    for row in rows:
        made.add(raw(row.request, signals.read(row.request)), row.scores, crc32(signals.subject(row.request).encode()))
    made.flush()
    return made


def learned(made: Shelf) -> list[Linear]:
    return plenty.linear(made, made.common(), folds=FOLDS, told=lambda *_: None)


def test_with_all_rows_it_is_what_memory_would_have_found(tmp_path: Path) -> None:
    found = [raw(row.request, signals.read(row.request)) for row in ROWS]
    space = experts.space(found, seed=0)
    seen = [space.features(one) for one in found]
    expected = experts.linear(space, seen, scores(ROWS))
    *_, whole = learned(shelf(tmp_path))
    odds = np.array([(whole.odds(one), expected.odds(one)) for one in seen])
    assert np.abs(odds[:, 0] - odds[:, 1]).mean() < 0.1
    assert np.corrcoef(odds[:, 0, 0], odds[:, 1, 0])[0, 1] > 0.99


def test_a_fold_s_rows_are_not_learned_from_for_its_own_expert(tmp_path: Path) -> None:
    without, *_, whole = learned(shelf(tmp_path / "one"))
    turned = [replace(row, scores=tuple(1 - s for s in row.scores)) if fold(row, 0) == 0 else row for row in ROWS]
    own, *_, every = learned(shelf(tmp_path / "other", turned))
    moved, all_moved = (np.abs(a.grams.astype(float) - b.grams).sum() for a, b in ((own, without), (every, whole)))
    assert moved < 0.1 * all_moved


def test_copies_of_a_prompt_count_less_than_as_many_prompts(tmp_path: Path) -> None:
    *_, once = learned(shelf(tmp_path / "once"))
    *_, often = learned(shelf(tmp_path / "often", list(ROWS) * 9))
    firm, firmer = (float(np.abs(line.grams.astype(float)).sum()) for line in (once, often))
    assert 1.2 * firm < firmer < 3 * firm


def test_missing_scores_are_left_out(tmp_path: Path) -> None:
    gaps = [replace(row, scores=(math.nan, row.scores[1])) if number % 3 else row for number, row in enumerate(ROWS)]
    *_, whole = learned(shelf(tmp_path, gaps))
    assert np.isfinite(whole.grams.astype(float)).all()
    assert abs(float(whole.bias[0])) < 10


def test_progress_is_told_and_ends(tmp_path: Path) -> None:
    made, told = shelf(tmp_path), []
    plenty.linear(made, made.common(), folds=FOLDS, told=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
