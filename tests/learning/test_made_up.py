"""A made-up language in which outcomes can be drawn without end."""

from pathlib import Path

from router.learning import made_up
from router.learning.data import Tally
from router.learning.data import rows as outcomes


def test_it_writes_outcome_data_the_same_for_the_same_seed(tmp_path: Path) -> None:
    made_up.main(200, 1, tmp_path / "one.jsonl")
    tally = Tally()
    assert len(list(outcomes([tmp_path / "one.jsonl"], ("tuned", "frontier"), tally))) == 200
    assert not tally.bad
    assert list(made_up.rows(200, 1)) == list(made_up.rows(200, 1)) != list(made_up.rows(200, 2))


def test_the_large_tier_is_better_and_neither_is_perfect() -> None:
    made = [row["outcomes"] for row in made_up.rows(2_000, 3)]
    small, large = (sum(one[tier]["score"] for one in made) / len(made) for tier in ("tuned", "frontier"))
    assert 0.4 < small < large - 0.1 < 0.9
