"""Trees that vote."""

import numpy as np

from router.difficulty.forest import Forest

# Two trees: the first asks whether x[1] is beyond 0.5, the second is a leaf.
FOREST = Forest(
    roots=np.array([0, 3], np.int32),
    feature=np.array([1, 0, 0, 0], np.uint8),
    cut=np.array([0.5, np.inf, np.inf, np.inf], np.float32),
    child=np.array([1, 1, 2, 3], np.int32),
    votes=np.array([[9, 9], [0, 1], [1, 1], [0.5, 0.5]], np.float16),
    depth=4,
)


def test_every_tree_votes_and_the_mean_counts() -> None:
    low, high = np.array([7.0, 0.5], np.float32), np.array([7.0, 0.6], np.float32)
    assert FOREST.vote(low).tolist() == [0.25, 0.75]
    assert FOREST.vote(high).tolist() == [0.75, 0.75]


def test_made_ready_it_votes_the_same() -> None:
    x = np.array([7.0, 0.6], np.float32)
    assert FOREST.ready().vote(x).tolist() == FOREST.vote(x).tolist()
