"""Bounds that are true as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router import confidence

DRAWS = 400


def test_a_true_hypothesis_is_rarely_refuted_even_when_watched() -> None:
    draw = np.random.default_rng(0)
    for mean in (0.05, 0.5, 0.95):
        refuted = [confidence.p_value((draw.random(300) < mean) * 1.0, mean, alpha=0.05) <= 0.05 for _ in range(DRAWS)]
        assert np.mean(refuted) <= 0.05 + 2 * (0.05 * 0.95 / DRAWS) ** 0.5


def test_a_false_hypothesis_is_refuted_when_there_is_enough_to_see() -> None:
    observed = (np.random.default_rng(1).random(1_000) < 0.6) * 1.0
    assert confidence.p_value(observed, 0.5, alpha=0.05) < 0.001
    assert confidence.p_value(observed[:10], 0.5, alpha=0.05) > 0.05


def test_a_small_variance_makes_a_tight_bound() -> None:
    draw = np.random.default_rng(2)
    quiet = confidence.lower_bound(0.5 + 0.02 * draw.standard_normal(500).clip(-3, 3), confidence=0.95)
    loud = confidence.lower_bound((draw.random(500) < 0.5) * 1.0, confidence=0.95)
    assert loud < quiet < 0.5
    assert quiet > 0.48


def test_nothing_seen_bounds_nothing() -> None:
    assert confidence.p_value(np.zeros(0), 0.5, alpha=0.05) == 1.0
    assert confidence.lower_bound(np.zeros(0), confidence=0.95) == pytest.approx(0.0, abs=1e-6)
    assert confidence.lower_bound(np.zeros(50), confidence=0.95) == pytest.approx(0.0, abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_the_p_value_rises_with_the_hypothesis(observed: list[float], one: float, other: float) -> None:
    low, high = sorted((one, other))
    values = np.array(observed)
    assert confidence.p_value(values, low, alpha=0.05) <= confidence.p_value(values, high, alpha=0.05) + 1e-12
