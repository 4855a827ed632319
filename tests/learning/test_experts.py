"""The parts of a model, fitted."""

import numpy as np
import pytest

from router import signals
from router.difficulty.features import raw
from router.learning import experts
from tests.learning.small import read


def test_a_regression_on_halves_lies_between_those_on_wholes() -> None:
    x = np.linspace(-1, 1, 200)[:, None]
    weight, offset = experts.logistic(x, (x[:, 0] > 0) * 0.5 + 0.25)
    assert weight[0] > 0
    assert offset == pytest.approx(0, abs=0.05)


def test_always_the_same_score_is_believed_only_so_far() -> None:
    weights, offset = experts.logistic(np.ones((100, 3)), np.ones(100))
    assert not weights.any()
    assert 3 < offset < 8


def test_the_flat_forest_votes_as_the_grown_one_did() -> None:
    rows = read(150)
    found = [raw(row.request, signals.read(row.request)) for row in rows]
    space = experts.space(found, seed=0)
    seen = [space.features(one) for one in found]
    scores = np.array([row.scores for row in rows])
    told = np.random.default_rng(0).random((150, 6))
    forest = experts.forest(seen, told, scores, seed=0)
    votes = np.array([forest.vote(np.append(one.dense, said)) for one, said in zip(seen, told, strict=True)])
    assert len(forest.roots) == experts.TREES
    assert np.abs(votes.mean(0) - scores.mean(0)).max() < 0.05
    assert np.corrcoef(votes[:, 0], scores[:, 0])[0, 1] > 0.6


def test_tasks_are_told_apart_and_rare_ones_left_out() -> None:
    rows = read(150)
    found = [raw(row.request, signals.read(row.request)) for row in rows]
    space = experts.space(found, seed=0)
    seen = [space.features(one) for one in found]
    names = [row.task for row in rows]
    names[0] = "seldom"
    scores = np.array([row.scores for row in rows])
    votes = np.array(
        [one[0] for one in map(experts.tasks(seen, names, scores, seed=0).vote, (one.dense for one in seen))]
    )
    hard = np.array([row.task == "hard" for row in rows])
    assert votes[hard].mean() < 0.4
    assert votes[~hard].mean() > 0.8


def test_where_nobody_names_tasks_requests_that_are_alike_are_of_one() -> None:
    rows = read(150)
    found = [raw(row.request, signals.read(row.request)) for row in rows]
    space = experts.space(found, seed=0)
    seen = [space.features(one) for one in found]
    scores = np.array([row.scores for row in rows])
    hard = np.array([row.task == "hard" for row in rows])
    for names in ([None] * 150, ["one"] * 150):
        tasks = experts.tasks(seen, names, scores, seed=0)
        votes = np.array([tasks.vote(one.dense)[0] for one in seen])
        assert 1 < len(tasks.rates) <= 150 // 16
        assert votes[~hard].mean() > votes[hard].mean() + 0.2


def test_requests_that_are_all_the_same_are_of_one_kind_and_worth_the_mean() -> None:
    rows = read(1) * 100
    found = [raw(row.request, signals.read(row.request)) for row in rows]
    seen = [experts.space(found, seed=0).features(one) for one in found]
    scores = np.random.default_rng(0).random((100, 2))
    assert len(set(experts.kinds(seen, seed=0))) == 1
    assert np.allclose(experts.tasks(seen, [None] * 100, scores, seed=0).vote(seen[0].dense), scores.mean(0))


def test_the_forest_hears_what_the_others_say_where_nothing_else_tells() -> None:
    rows = read(150)
    found = [raw(row.request, signals.read(row.request)) for row in rows]
    space = experts.space(found, seed=0)
    seen = [space.features(one) for one in found]
    likely = np.random.default_rng(0).random((150, 6))
    forest = experts.forest(seen, likely, np.round(likely[:, :2]), seed=0)
    sure, unsure = (forest.vote(np.append(seen[0].dense, np.full(6, chance))) for chance in (0.9, 0.1))
    assert (sure > unsure + 0.1).all()
