"""Estimates of what would have happened, on traffic for which it is known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from router.hindsight.counterfactual import Sample, estimate

Vector = NDArray[np.float64]
SEEDS = 200


class World:
    """Requests with difficulty d, answered well by the small tier less often the harder they are."""

    def __init__(
        self, seed: int, n: int = 2_000, *, explores: float = 0.1, looked: float = 0.3, logged: float = 0.4
    ) -> None:
        self.draw = np.random.default_rng(seed)
        self.difficulty = self.draw.random(n)
        eager = self.difficulty < logged
        explored = self.draw.random(n) < explores
        self.small = eager | explored
        self.propensity = np.where(eager, 1.0, np.where(self.small, explores, 1 - explores))
        self.good = np.stack([self.p_small(self.difficulty), np.full(n, 0.95)])
        scores = self.draw.random((2, n)) < self.good
        self.score = np.where(self.small, scores[0], scores[1]).astype(float)
        self.cost = np.where(self.small, 0.001, 0.01) * self.draw.lognormal(0, 0.8, n) * (0.5 + self.difficulty)
        self.looked = self.draw.random(n) < looked
        self.rate = looked

    @staticmethod
    def p_small(difficulty: Vector) -> Vector:
        return 0.98 - 0.5 * difficulty**2

    def sample(self, threshold: float, values: Vector, *, weight: float | None = None) -> Sample:
        n = len(self.difficulty)
        return Sample(
            (self.difficulty * 10).astype(int),
            np.where(self.small, 0, 1),
            np.where(self.difficulty < threshold, 0, 1),
            self.propensity,
            values,
            np.full(n, weight or 1.0),
            bounded=weight is not None,
        )

    def quality(self, threshold: float, *, modelled: bool = False) -> Sample:
        scored = self.sample(threshold, np.where(self.looked, self.score, np.nan), weight=1 / self.rate)
        if not modelled:
            return scored
        wanted, started = (
            np.where(place == 0, self.good[0], self.good[1]) - 0.03 for place in (scored.wanted, scored.started)
        )
        return replace(scored, predicted=wanted, predicted_started=started)

    @classmethod
    def true_quality(cls, threshold: float) -> float:
        return cls._mean(threshold, cls.p_small, lambda d: np.full(len(d), 0.95))

    @classmethod
    def true_cost(cls, threshold: float) -> float:
        mean = np.exp(0.8**2 / 2)
        return cls._mean(threshold, lambda d: 0.001 * mean * (0.5 + d), lambda d: 0.01 * mean * (0.5 + d))

    @staticmethod
    def _mean(threshold: float, small: Callable[[Vector], Vector], large: Callable[[Vector], Vector]) -> float:
        grid = (np.arange(100_000) + 0.5) / 100_000
        return float(np.where(grid < threshold, small(grid), large(grid)).mean())


@pytest.mark.parametrize("threshold", [0.2, 0.4, 0.6, 0.9])
def test_intervals_of_quality_hold_the_truth_as_often_as_they_say(threshold: float) -> None:
    held = 0
    for seed in range(SEEDS):
        found = estimate(World(seed).quality(threshold))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= World.true_quality(threshold) <= found.high

    assert held >= 0.91 * SEEDS


@pytest.mark.parametrize("threshold", [0.4, 0.6, 0.9])
def test_intervals_of_cost_hold_the_truth_as_often_as_they_say(threshold: float) -> None:
    held = 0
    for seed in range(SEEDS):
        world = World(seed)
        found = estimate(world.sample(threshold, world.cost))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= World.true_cost(threshold) <= found.high

    assert held >= 0.91 * SEEDS


def test_a_prediction_that_is_wrong_keeps_intervals_true() -> None:
    held = 0
    for seed in range(SEEDS):
        found = estimate(World(seed).quality(0.6, modelled=True))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= World.true_quality(0.6) <= found.high

    assert held >= 0.91 * SEEDS


def test_few_labels_that_are_all_good_do_not_make_certainty() -> None:
    world = World(0, 200, looked=0.2)
    perfect = world.sample(0.4, np.where(world.looked, 1.0, np.nan), weight=5)

    found = estimate(perfect)

    assert found.value == 1.0
    assert found.low is not None
    assert found.low < 0.95


def test_the_same_policy_gives_what_was_recorded() -> None:
    world = World(1, explores=0.0)

    found = estimate(world.sample(0.4, world.cost))

    assert found.value == pytest.approx(world.cost.mean())
    assert (found.direct, found.near, found.unknown) == (1.0, 0.0, 0.0)


def test_without_overlap_others_of_the_band_stand_in() -> None:
    world = World(2, explores=0.0, logged=0.45)

    found = estimate(world.sample(0.49, world.cost))

    assert found.near == pytest.approx(0.04, abs=0.02)
    assert found.value is not None
    assert found.unknown == 0.0


def test_where_nobody_ever_started_nothing_is_known() -> None:
    world = World(3, explores=0.0)

    cost = estimate(world.sample(0.8, world.cost))
    quality = estimate(world.quality(0.8))

    assert cost.unknown == pytest.approx(0.4, abs=0.05)
    assert (cost.value, cost.low, quality.value) == (None, None, None)
    assert quality.low is not None
    assert quality.high is not None
    assert quality.high - quality.low > quality.unknown
    assert quality.low <= World.true_quality(0.8) <= quality.high


def test_a_trusted_prediction_may_stand_alone() -> None:
    world = World(4, explores=0.0)
    priced = replace(
        world.sample(0.0, np.where(world.small, world.cost, np.nan)),
        predicted=np.full(len(world.cost), 0.01),
        predicted_started=np.full(len(world.cost), np.nan),
        trusted=True,
    )

    found = estimate(priced)

    assert found.value == pytest.approx(0.01)
    assert (found.priced, found.unknown) == (1.0, 0.0)


def test_no_requests_tell_nothing() -> None:
    none = np.zeros(0)
    empty = Sample(none.astype(int), none.astype(int), none.astype(int), none, none, none)
    unseen = World(5, 100).sample(0.4, np.full(100, np.nan), weight=1)

    assert estimate(empty).unknown == 1.0
    assert (estimate(unseen).low, estimate(unseen).high) == (0.0, 1.0)
    assert estimate(replace(unseen, bounded=False)).low is None
