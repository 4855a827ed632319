"""How good a model is on outcomes it has not seen."""

from router.learning.evaluate import evaluate
from tests.learning.small import model, seen


def test_the_curve_runs_from_the_first_tier_to_the_last() -> None:
    found = evaluate(seen(), model().tiers)
    first, last = found["mean_score"]["tuned"], found["mean_score"]["frontier"]
    for name in ("random", "length", "model", "oracle"):
        assert abs(found["curve"][name][0] - first) < 1e-3
        assert abs(found["curve"][name][-1] - last) < 1e-3
    halfway = {name: found["curve"][name][10] for name in ("random", "model", "oracle")}
    assert halfway["random"] < halfway["model"] <= halfway["oracle"]


def test_tasks_are_told_apart_hardest_first() -> None:
    tasks = evaluate(seen(), model().tiers)["tasks"]
    assert list(tasks) == ["hard", "easy"]
    assert tasks["hard"]["gap"] > tasks["easy"]["gap"]


def test_near_misses_are_what_the_first_tier_lost_and_looked_easiest() -> None:
    misses = evaluate(seen(), model().tiers)["near_misses"]
    assert [miss["difficulty"] for miss in misses] == sorted(miss["difficulty"] for miss in misses)
    scores = {row.id: row.scores for row in seen().rows}
    assert all(scores[miss["id"]] == (0, 1) for miss in misses)
