"""A picture for a slide."""

from pathlib import Path

from router.learning.evaluate import evaluate
from router.learning.plot import plot
from tests.learning.small import model, seen


def test_the_name_says_the_format(tmp_path: Path) -> None:
    plot(evaluate(seen(), model().tiers), tmp_path / "curve.svg")
    assert b"prompt length" in (tmp_path / "curve.svg").read_bytes() or (tmp_path / "curve.svg").stat().st_size > 1_000
