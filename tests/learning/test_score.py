"""What a model says about recorded requests."""

from dataclasses import replace

import pytest

from router.difficulty import Builtin
from router.learning import score
from router.learning.data import DataError
from tests.learning.small import model, read


def test_the_builtin_model_stands_for_any_tiers() -> None:
    opened = score.opened("builtin", ("small", "large"))
    assert isinstance(opened, Builtin)
    assert opened.tiers == ("small", "large")


def test_only_rows_with_both_outcomes_are_judged() -> None:
    rows = read(10)
    rows[3] = replace(rows[3], scores=(float("nan"), 1.0))
    seen = score.judged(model(), rows)
    assert len(seen.rows) == 9
    assert seen.p_good.shape == seen.scores.shape == (9, 2)
    with pytest.raises(DataError, match="no row has an outcome of both tuned and frontier"):
        score.judged(model(), rows[3:4])
