"""A floor that holds, or an honest refusal."""

import numpy as np
import pytest

from router.calibration import Sample, calibrate, kept

EVERY_PER_CENT = np.linspace(0, 1, 101)[1:].tolist()


def traffic(n: int, seed: int) -> Sample:
    """Requests whose difficulty is right on average: the first tier loses exactly that much."""
    draw = np.random.default_rng(seed)
    difficulty = draw.random(n) ** 2
    last = draw.random(n) < 0.8
    first = last & (draw.random(n) > difficulty)
    return Sample(difficulty, first * 1.0, last * 1.0)


def test_the_floor_is_missed_no_more_often_than_allowed() -> None:
    population = traffic(200_000, 0)
    floor = 0.9 * population.last.mean()
    missed = []
    for seed in range(200):
        found = calibrate(traffic(1_000, seed + 1), EVERY_PER_CENT, floor=0.9, confidence=0.95)
        missed.append(population.served(found.threshold).mean() < floor)
    assert np.mean(missed) <= 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5


def test_it_saves_much_of_what_could_be_saved() -> None:
    population = traffic(200_000, 0)
    shares = [
        (population.difficulty < t).mean()
        for t in EVERY_PER_CENT
        if population.served(t).mean() >= 0.9 * population.last.mean()
    ]
    found = calibrate(traffic(1_000, 7), EVERY_PER_CENT, floor=0.9, confidence=0.95)
    assert found.supported
    assert found.tuned_share >= 0.6 * max(shares)
    assert found.lower_bound >= 0.9
    assert found.served >= found.lower_bound * found.frontier


def test_too_little_data_supports_nothing() -> None:
    found = calibrate(traffic(20, 3), EVERY_PER_CENT, floor=0.99, confidence=0.99)
    assert (found.threshold, found.supported, found.tuned_share, found.lower_bound) == (0.0, False, 0.0, 1.0)
    assert found.served == found.frontier


def test_no_data_supports_nothing() -> None:
    nothing = np.zeros(0)
    assert not calibrate(Sample(nothing, nothing, nothing), EVERY_PER_CENT, floor=0.9, confidence=0.95).supported


def test_a_first_tier_as_good_as_the_last_may_answer_everything() -> None:
    last = (np.random.default_rng(0).random(500) < 0.9) * 1.0
    found = calibrate(Sample(np.full(500, 0.1), last, last), [0.05, 0.5], floor=0.9, confidence=0.95)
    assert (found.threshold, found.tuned_share) == (0.5, 1.0)


def test_a_useless_first_tier_is_never_trusted() -> None:
    nothing = np.zeros(500)
    found = calibrate(Sample(nothing, nothing, nothing + 1), [0.05, 0.5], floor=0.5, confidence=0.95)
    assert not found.supported


def test_rows_in_another_order_are_the_same_rows() -> None:
    sample = traffic(50, 1)
    other = sample.shuffled(3)
    assert not np.array_equal(sample.difficulty, other.difficulty)
    assert sorted(zip(sample.difficulty, sample.first, strict=True)) == sorted(
        zip(other.difficulty, other.first, strict=True)
    )


def test_what_is_kept_is_what_is_claimed() -> None:
    last = (np.random.default_rng(0).random(5_000) < 0.8) * 1.0
    assert kept(last, last, confidence=0.95) > 0.9
    assert kept(last * 0.5, last, confidence=0.95) == pytest.approx(0.5, abs=0.03)
