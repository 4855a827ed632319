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


def test_a_bet_on_all_or_nothing_losses_is_known_exactly_and_one_on_others_is_never_overrated() -> None:
    staked = confidence.stakes(np.array([1.0]))
    losses, gains = np.array([1.0, 0.0, 0.0, 1.0, 0.0]), np.array([0.0, 1.0, 0.0, 0.0, 0.0])

    def worth(lost: np.ndarray, won: np.ndarray) -> np.ndarray:
        result: np.ndarray = np.log1p(staked * (lost - won - 0.1)).sum(axis=1)
        return result

    def told(lost: np.ndarray, won: np.ndarray) -> np.ndarray:
        sums = tuple(np.array([float(each)]) for each in (len(lost), lost.sum(), won.sum()))
        return confidence.chance(staked, (sums[0], sums[1], sums[2]), 0.1)

    assert told(losses, gains) == pytest.approx(worth(losses, gains))
    assert (told(losses / 3, gains / 2) <= worth(losses / 3, gains / 2)).all()


def test_bets_that_the_mean_is_above_nothing_gain_little_while_it_is_not() -> None:
    draw = np.random.default_rng(4)
    staked = confidence.stakes(np.array([1.0, 4.0]))
    richest = []
    for _ in range(DRAWS):
        wealth = np.zeros(len(confidence.STAKES))
        for _ in range(20):
            seen = (draw.random((2, 30)) < 0.3) - 0.3
            wealth = wealth + confidence.growth(staked, seen.sum(axis=1), np.square(seen).sum(axis=1))
        richest.append(np.exp(wealth).mean())
    assert np.mean(np.array(richest) >= 20) <= 0.05
    assert np.mean(richest) <= 1.5


def test_no_group_is_staked_more_than_half() -> None:
    staked = confidence.stakes(np.array([0.0, 1.0, 100.0]))
    assert staked.shape == (len(confidence.STAKES), 3)
    assert staked.max() == 0.5
    assert not staked[:, 0].any()
