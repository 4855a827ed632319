"""How good is each tier at requests of this kind? Where outcomes name their tasks, that is learned task by task."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.difficulty.file import Array


@dataclass(frozen=True, slots=True)
class Tasks:
    """A softmax over the tasks of the training data, and each tier's mean score at each of them."""

    weights: Array
    """What every dense feature says for each task. Shape (features, tasks)."""
    offsets: Array
    rates: Array
    """Mean scores, those of small tasks drawn to the mean of all. Shape (tasks, tiers)."""

    def vote(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return for each tier the mean score of the tasks that a request with features `x` may belong to."""
        if len(self.offsets) == 1:
            alike: NDArray[np.float32] = self.rates[0]
            return alike
        odds: NDArray[np.float32] = x @ self.weights + self.offsets
        likely = np.exp(odds - odds.max())
        votes: NDArray[np.float32] = likely @ self.rates / likely.sum()
        return votes
