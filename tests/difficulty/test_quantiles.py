"""Shares of the training prompts and thresholds lead to each other."""

import math

import pytest

from router.difficulty.quantiles import QUANTILES, edges_of, share_of, threshold_of

EVEN = tuple(place / 200 for place in range(QUANTILES))
"""Difficulties from 0 to a half, equally many of each."""


def test_half_of_them_start_below_the_middle() -> None:
    assert threshold_of(0.5, EVEN) == pytest.approx(0.25)
    assert share_of(0.25, EVEN) == pytest.approx(0.5, abs=0.01)


def test_between_two_per_cents_there_is_a_straight_line() -> None:
    assert threshold_of(0.105, EVEN) == pytest.approx(0.0525)


def test_none_start_below_nothing_and_all_above_the_most_difficult() -> None:
    assert threshold_of(0.0, EVEN) == 0.0
    assert threshold_of(1.0, EVEN) == math.nextafter(0.5, math.inf)
    assert share_of(threshold_of(1.0, EVEN), EVEN) == 1.0
    assert threshold_of(2.0, EVEN) == threshold_of(1.0, EVEN)


def test_of_equal_ones_all_or_none_start() -> None:
    alike = (0.0,) * 60 + tuple(place / 100 for place in range(1, 42))
    assert threshold_of(0.1, alike) == 0.0
    assert share_of(threshold_of(0.4, alike), alike) == pytest.approx(60 / QUANTILES)


def test_the_edges_of_the_bands_are_the_deciles() -> None:
    assert edges_of(EVEN) == pytest.approx(tuple(tenth / 20 for tenth in range(1, 10)))
