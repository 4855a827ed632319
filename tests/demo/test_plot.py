"""A run of the twins, drawn."""

from pathlib import Path

import pytest

from router.demo.plot import plot
from tests.demo.chronicles import chronicle


def test_both_servers_and_every_move_are_drawn(tmp_path: Path) -> None:
    plot(chronicle(), tmp_path / "run.svg")
    drawn = (tmp_path / "run.svg").read_text("utf-8")

    assert "<!-- fixed threshold -->" in drawn
    assert "(quality, 312 labels) -->" in drawn
    assert "<!-- 1 × rollback → 0.1700 -->" in drawn
    assert "<!-- promised: 95% of the large model's -->" in drawn


def test_a_format_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        plot(chronicle(), tmp_path / "run.nonsense")
