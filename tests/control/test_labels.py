"""Sums that say how good answers are, and how sure one can be."""

import numpy as np
import pytest

from router.control import BANDS, Labels
from tests.control.stories import only, pairs


def test_weights_count_for_the_mean_and_not_for_how_many_there_are() -> None:
    sums = pairs(40, loss=0.25, weight=7.0).sums("loss")
    assert sums.mean.tolist() == pytest.approx([0.25] * BANDS)
    assert sums.count.tolist() == pytest.approx([40.0] * BANDS)
    mean, variance, count = sums.pooled()
    assert (mean, variance, count) == pytest.approx((0.25, 0.25 * 0.75, 400.0))


def test_nothing_known_is_nothing_and_no_fault() -> None:
    sums = Labels.none().sums("last")
    assert not sums.known.any()
    assert sums.pooled() == (0.0, 0.0, 0.0)
    assert not sums.mean.any()
    assert not sums.spread.any()
    assert Labels.none().judged == 0.0


def test_pairs_are_counted_before_single_judgements() -> None:
    assert pairs(5, loss=0).judged == pytest.approx(50)
    assert only("low", 3, 1.0).judged == pytest.approx(30)


def test_it_comes_back_from_json_as_it_was() -> None:
    labels = pairs(12, loss=0.1, gain=0.05, weight=5.0)
    assert np.allclose(Labels.of(labels.rows()).table, labels.table)  # type: ignore[arg-type]


@pytest.mark.parametrize("rows", [[], [[[1.0]]], [[[float("nan")] * BANDS] * 4] * 5])
def test_other_shapes_are_refused(rows: list[list[list[float]]]) -> None:
    with pytest.raises(ValueError, match=r"not the sums|inhomogeneous|could not be broadcast"):
        Labels.of(rows)
