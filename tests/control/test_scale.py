"""Thresholds and the traffic below them."""

import numpy as np
import pytest

from router.control import Scale
from tests.control.stories import EVEN, SCALE


def test_a_threshold_inside_a_band_splits_it_in_proportion() -> None:
    assert SCALE.split(0.25).tolist() == pytest.approx([1, 1, 0.5, 0, 0, 0, 0, 0, 0, 0])
    assert SCALE.split(0.0).sum() == 0
    assert SCALE.split(1.1).sum() == 10


def test_candidates_lie_inside_the_bounds_and_begin_with_them() -> None:
    scale = Scale.of(EVEN, (0.1, 0.5))
    assert scale.thresholds[0] == 0.1
    assert scale.thresholds[-1] == 0.5
    assert (np.diff(scale.below.sum(axis=1)) > 0).all()


def test_equally_difficult_prompts_start_together() -> None:
    """A third of the prompts has difficulty 0: their band, which is the fourth, starts whole or not at all."""
    tied = (0.0,) * 34 + tuple(np.linspace(0.01, 1, 67))
    scale = Scale.of(tied, (0.0, 1.0))
    assert scale.split(0.0).sum() == 0
    assert scale.split(0.001).tolist()[3] == pytest.approx(0.82, abs=0.02)
    assert scale.split(0.001).tolist()[:3] == [1.0, 1.0, 1.0]
    assert scale.sizes().tolist()[:3] == [0.0, 0.0, 0.0]
    assert scale.sizes().sum() == pytest.approx(1.0)


def test_each_band_has_the_loss_that_the_model_expects() -> None:
    assert SCALE.level().tolist() == pytest.approx([0.045 + 0.1 * band for band in range(10)])
