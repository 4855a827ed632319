"""Changes that should not matter."""

import numpy as np

from router.learning.robustness import CHANGES, robustness
from tests.learning.small import model, read


def test_every_change_changes_something_and_keeps_the_question() -> None:
    text = "What is the capital city of France."
    for name, change in CHANGES.items():
        changed = change(text, np.random.default_rng(1))
        if name != "typos":
            assert changed != text
            assert "".join(text.lower().split()).strip(".") in "".join(changed.lower().split())


def test_moves_are_told_as_shares() -> None:
    told = robustness(model(), read(40, seed=2))
    assert set(told) == set(CHANGES)
    assert all(0 <= moved["flipped"] <= 1 and moved["moved"] >= 0 for moved in told.values())
    assert told["more whitespace"]["moved"] < 0.1
