"""How much is lost if the small tier answers this request?

An `Estimator` turns a request and its signals into an `Estimate`: the probability that each tier's answer is good, and
from it the difficulty. There are three: a `constant`, a model file that `load` reads, and the `builtin` model that
ships with the package. Estimating is pure and takes microseconds; a model file needs numpy, the others nothing.
"""

from router.difficulty.builtin import Builtin, Plain, builtin
from router.difficulty.estimate import Estimate, Estimator, ModelError, constant
from router.difficulty.learned import Learned, learned, load, share_below, threshold
from router.difficulty.origins import Origins, origins

__all__ = [
    "Builtin",
    "Estimate",
    "Estimator",
    "Learned",
    "ModelError",
    "Origins",
    "Plain",
    "builtin",
    "constant",
    "learned",
    "load",
    "origins",
    "share_below",
    "threshold",
]
