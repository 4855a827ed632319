"""Figures, and what they allow to say."""

import numpy as np

from router.learning import figures
from router.learning.score import DEFAULT_TIERS
from tests.learning.small import read


def test_a_first_tier_that_is_better_leaves_nothing_to_recover() -> None:
    rows = read(120)
    labels = np.array([[1.0, 0.0]] * 120)
    found = figures.held_out(rows, np.full((120, 2), 0.5), labels, DEFAULT_TIERS, seed=0)
    assert found["apgr"] is None
    assert "send everything to the first" in found["verdict"]


def test_knowing_nothing_is_no_better_than_chance() -> None:
    rows = read(200)
    labels = np.array([row.scores for row in rows])
    found = figures.held_out(rows, np.full((200, 2), 0.5), labels, DEFAULT_TIERS, seed=0)
    assert found["apgr"] == 0.5
    assert "chance" in found["verdict"]


def test_rounded_figures_are_json() -> None:
    told = figures.rounded({"a": float("nan"), "b": (0.123456, 2), "c": None, "d": "x"})
    assert told == {"a": None, "b": [0.1235, 2], "c": None, "d": "x"}
