"""Figures by RouteLLM's definitions."""

import numpy as np
import pytest

from router.learning import metrics

FIRST = np.array([1.0, 0.0, 1.0, 0.0])
LAST = np.array([1.0, 1.0, 1.0, 1.0])


def test_the_best_order_recovers_everything_first() -> None:
    best = LAST - FIRST
    assert metrics.recovered(best, FIRST, LAST).tolist() == [0, 0.5, 1, 1, 1]
    assert metrics.apgr(best, FIRST, LAST) == pytest.approx(0.75)
    assert metrics.cpt(best, FIRST, LAST, 0.5) == 0.25
    assert metrics.cpt(best, FIRST, LAST, 0.8) == 0.5


def test_chance_and_ties_recover_half() -> None:
    assert metrics.apgr(np.zeros(4), FIRST, LAST) == pytest.approx(0.5)
    assert metrics.recovered(np.zeros(4), FIRST, LAST).tolist() == [0, 0.25, 0.5, 0.75, 1]


def test_the_worst_order_is_the_mirror_of_the_best() -> None:
    assert metrics.apgr(FIRST - LAST, FIRST, LAST) == pytest.approx(0.25)


def test_without_a_gap_there_is_nothing_to_recover() -> None:
    assert np.isnan(metrics.apgr(np.arange(4.0), LAST, FIRST))
    assert np.isnan(metrics.cpt(np.arange(4.0), LAST, FIRST, 0.5))


def test_auc_of_failures() -> None:
    assert metrics.auc(np.array([0.1, 0.9, 0.2, 0.8]), FIRST) == 1.0
    assert metrics.auc(np.array([0.9, 0.1, 0.8, 0.2]), FIRST) == 0.0
    assert metrics.auc(np.zeros(4), FIRST) == 0.5
    assert metrics.auc(np.arange(3.0), np.full(3, 0.5)) == pytest.approx(0.5)
    assert np.isnan(metrics.auc(np.arange(4.0), LAST))


def test_calibration_error() -> None:
    draw = np.random.default_rng(0)
    p = draw.random(20_000)
    true = (draw.random(20_000) < p) * 1.0
    assert metrics.ece(p, true) < 0.02
    assert metrics.ece(np.full(20_000, 0.9), true) == pytest.approx(0.4, abs=0.02)
    assert metrics.ece(p, true) <= metrics.ece_when_perfect(p, seed=0) * 1.5


def test_an_interval_holds_what_it_measures() -> None:
    values = np.random.default_rng(0).random(500)
    found = metrics.interval(lambda rows: float(values[rows].mean()), 500, seed=0)
    assert found is not None
    assert found[0] < values.mean() < found[1]
    assert metrics.interval(lambda _: float("nan"), 5, seed=0) is None
