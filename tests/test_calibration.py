"""A floor that holds, or an honest refusal."""

from typing import Any

import numpy as np
import orjson
import pytest

from router.calibration import CalibrationError, Sample, calibrate, kept, read

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


WRITTEN: dict[str, Any] = {
    "format": 1,
    "model": "abc",
    "tiers": ["tuned", "frontier"],
    "threshold": 0.25,
    "floor": 0.9,
    "confidence": 0.95,
    "n": 300,
    "tuned_share": 0.5,
    "date": "2026-11-22",
    "cost_usd": None,
    "quality": {"served": 0.9, "frontier": 0.95, "lower_bound": 0.91},
}


def opened(changed: dict[str, object] | None = None, tiers: tuple[str, ...] = ("tuned", "frontier")) -> float:
    return read(orjson.dumps({**WRITTEN, **(changed or {})}), "c.json", model="abc", tiers=tiers).threshold


def test_what_was_written_is_read() -> None:
    assert opened() == 0.25
    assert opened({"threshold": float(np.nextafter(1, 2))}) > 1


def test_tiers_between_the_first_and_the_last_have_no_part_in_it() -> None:
    assert opened(tiers=("tuned", "middle", "frontier")) == 0.25


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"format": 2}, "format 2, not 1; calibrate again"),
        ({"model": "xyz"}, "made for the model xyz, not abc; calibrate again"),
        ({"tiers": ["a", "b"]}, "made for the tiers a, b; this route has tuned, frontier; calibrate again"),
        ({"tiers": []}, "made for the tiers ; this route has"),
        ({"threshold": 1.5}, "corrupt: its threshold 1.5 is not from 0 to 1"),
        ({"threshold": -0.1}, "corrupt"),
        ({"threshold": "nan"}, "corrupt"),
        ({"threshold": "high"}, "not a calibration; `smallfirst calibrate --out` writes one"),
        ({"tiers": 3}, "not a calibration"),
        ({"quality": {}}, "not a calibration"),
        ({"n": None}, "not a calibration"),
    ],
)
def test_what_was_made_for_something_else_or_is_corrupt_is_refused(changed: dict[str, object], told: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        opened(changed)
    assert str(caught.value).startswith(f"c.json: {told}")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b'"x"', b"\xff", b'{"format": 1}'])
def test_other_files_are_no_calibrations(content: bytes) -> None:
    with pytest.raises(CalibrationError, match="not a calibration"):
        read(content, "c.json", model="abc", tiers=("a", "b"))
