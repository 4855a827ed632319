"""Is traffic still what the difficulty model knows?"""

import numpy as np
import pytest

from router.control import drift
from router.control.labels import BANDS, Labels
from tests.control.stories import SCALE, pairs

TENTHS = np.full(BANDS, 0.1)


def test_chance_alone_is_no_shift() -> None:
    draw = np.random.default_rng(0)
    found = [drift.stability(draw.multinomial(500, TENTHS).astype(float), TENTHS) for _ in range(200)]
    assert max(found) < 0.06
    assert np.mean(found) < 0.02


def test_a_harder_mix_is_a_shift() -> None:
    assert drift.stability(np.linspace(0, 100, BANDS), TENTHS) > 0.25


def test_a_shift_stays_one_until_it_is_calm() -> None:
    assert drift.shifted("difficulty", 0.3, before=False)
    assert not drift.shifted("difficulty", 0.2, before=False)
    assert drift.shifted("difficulty", 0.2, before=True)
    assert not drift.shifted("difficulty", 0.05, before=True)
    assert drift.shifted("novelty", 0.06, before=False)


def test_the_gap_is_what_is_lost_beyond_what_the_model_expects() -> None:
    assert drift.calibration_gap(pairs(10, loss=0.6, gain=0.1), SCALE) == pytest.approx(0.5 - 0.495)
    assert drift.calibration_gap(Labels.none(), SCALE) is None
