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
    forest = experts.forest(seen, scores, seed=0)
    votes = np.array([forest.vote(one.dense) for one in seen])
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
    votes = np.array([one[0] for one in map(experts.tasks(seen, names, scores).vote, (one.dense for one in seen))])
    hard = np.array([row.task == "hard" for row in rows])
    assert votes[hard].mean() < 0.4
    assert votes[~hard].mean() > 0.8


def test_without_tasks_every_request_is_worth_the_mean() -> None:
    rows = read(120)
    found = [raw(row.request, signals.read(row.request)) for row in rows]
    space = experts.space(found, seed=0)
    seen = [space.features(one) for one in found]
    scores = np.array([row.scores for row in rows])
    for names in ([None] * 120, ["one"] * 120):
        vote = experts.tasks(seen, names, scores).vote(seen[0].dense)
        assert np.allclose(vote, scores.mean(0))
