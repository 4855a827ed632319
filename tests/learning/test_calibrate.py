"""A threshold with a guarantee, and what it saves."""

from datetime import date
from pathlib import Path

import numpy as np

from router import calibration
from router.learning import calibrate
from tests.learning.small import model, seen

TODAY = date(2026, 11, 22)


def test_the_file_holds_the_proof_and_the_dollars(tmp_path: Path) -> None:
    found = calibrate.run(model(), seen(), floor=0.7, confidence=0.95, today=TODAY)
    assert 0 < found["tuned_share"] < 1
    assert found["cost_usd"]["served"] < found["cost_usd"]["frontier"] == 4.0
    calibrate.write(found, tmp_path / "c.json")
    content = (tmp_path / "c.json").read_bytes()
    read = calibration.read(content, "c.json", model=model().hash, tiers=model().tiers)
    assert (read.threshold, read.n, read.supported) == (found["threshold"], 300, True)


def test_candidates_do_not_depend_on_the_sample() -> None:
    choices = calibrate.thresholds(model())
    assert choices == sorted(choices)
    assert np.isclose(choices, 0.5).any()
