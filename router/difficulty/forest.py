"""Many shallow trees that vote: what structure and meaning say together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.difficulty.file import Array


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees as flat arrays, one entry per node. The two children of a node are neighbours; a leaf is its own child.

    All trees are walked at once, one level at a time, so that a hundred of them cost little more than one.
    """

    roots: Array
    """Shape (trees,)."""
    feature: Array
    """What a node compares. Shape (nodes,)."""
    cut: Array
    """With what: up to it goes to the first child, beyond it to the second; infinite in a leaf."""
    child: Array
    """The first of a node's children."""
    votes: Array
    """The mean score of each tier in a node. Shape (nodes, tiers)."""
    depth: int

    def ready(self) -> "Forest":
        """Return the same forest in the machine's own numbers: it walks half as fast again."""
        roots, feature, child = (array.astype(np.intp) for array in (self.roots, self.feature, self.child))
        return Forest(roots, feature, self.cut, child, self.votes.astype(np.float32), self.depth)

    def vote(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the mean vote of all trees for each tier on the features `x`."""
        node = self.roots
        for _ in range(self.depth):
            node = self.child[node] + (x[self.feature[node]] > self.cut[node])
        votes: NDArray[np.float32] = np.full(len(node), 1 / len(node), np.float32) @ self.votes.take(node, axis=0)
        return votes
