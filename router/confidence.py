"""Bounds on a mean that hold for every sample size: how sure can one be, from finitely many bounded observations?

*Betting* (Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting", JRSS-B 2024). To test that
a mean is at most m, bet against it: start with 1, and at observation x multiply the wealth by 1 + b (x - m), where the
stake b is chosen before x is seen and never risks everything. If the mean is at most m the wealth is a non-negative
supermartingale, so by Ville's inequality it ever reaches 1/alpha with probability at most alpha: the reciprocal of the
highest wealth is a p-value, and stands continuous watching.

The stake is the one that is best for a sample of n whose variance v was known, sqrt(2 log(1/alpha) / (n v)), with the
variance of the observations so far in its place. Any stake would be valid; this one loses little to a normal
approximation, which would not be.

*Empirical Bernstein from sums* (Howard, Ramdas, McAuliffe & Sekhon, "Time-uniform, nonparametric, nonasymptotic
confidence sequences", Annals of Statistics 2021, theorem 4, on an inequality of Fan, Grama & Liu, 2015). Where only
sums of what was observed are known, the bet is the same for every observation. For a stake l in (0, 1) and any guess
g_i made before x_i is seen, with x_i - g_i >= -1,

    exp(l * sum(x_i - m_i) - psi(l) * sum((x_i - g_i)**2)),    psi(l) = -log(1 - l) - l

is a non-negative supermartingale while the means m_i are what they are said to be, so that it too stands continuous
watching. No stake is best for every sample size: a dozen are tried, each with its part of alpha.
"""

import math
from typing import Final

from router.arrays import Vector, np

_BOLDEST: Final = 0.95
_PRIOR_MEAN, _PRIOR_VARIANCE, _PRIOR_COUNT = 0.5, 0.05, 5.0  # What is assumed before anything was observed.
_HALVINGS: Final = 30

STAKES: Final = tuple(0.5**halvings for halvings in range(1, 13))
"""The stakes that are tried where only sums are known: from a few observations to some ten million."""
_PSI: Final = tuple(-math.log1p(-stake) - stake for stake in STAKES)


def log_wealth(observed: Vector, mean: float, *, alpha: float) -> Vector:
    """Return the logarithm of the wealth after each observation, betting that the true mean is above `mean`.

    Args:
        observed: independent observations from 0 to 1, in an order that does not depend on them.
        mean: the hypothesis, from 0 to 1.
        alpha: the error that the stakes are chosen for; the result is valid for any other too.
    """
    return np.cumsum(np.log1p(_stakes(observed, alpha) * (observed - mean)))


def p_value(observed: Vector, mean: float, *, alpha: float) -> float:
    """Return the p-value of "the true mean is at most `mean`"; it falls steadily as `mean` does."""
    if not len(observed):
        return 1.0
    return float(np.exp(-max(0.0, float(log_wealth(observed, mean, alpha=alpha).max()))))


def lower_bound(observed: Vector, *, confidence: float) -> float:
    """Return what the mean of observations from 0 to 1 is above with this confidence: the largest mean refuted."""
    alpha = 1 - confidence
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if p_value(observed, middle, alpha=alpha) <= alpha else (low, middle)
    return low


def _stakes(observed: Vector, alpha: float) -> Vector:
    """Return the stake for every observation, from those before it."""
    n = len(observed)
    counts = _PRIOR_COUNT + np.arange(n)
    sums = np.cumsum(observed) - observed
    means = (_PRIOR_COUNT * _PRIOR_MEAN + sums) / counts
    squares = np.square(observed - means)
    variances = (_PRIOR_COUNT * _PRIOR_VARIANCE + np.cumsum(squares) - squares) / counts
    stakes: Vector = np.minimum(np.sqrt(2 * np.log(1 / alpha) / (n * variances)), _BOLDEST)
    return stakes


def shortfall(variance: Vector, scale: Vector, *, alpha: float) -> Vector:
    """Return how far below its estimate a weighted mean may lie; at any time, with error at most alpha over all times.

    The estimate is the sum of a_i x_i, with x_i at most 1 below what was guessed of it.

    Args:
        variance: the sum of (a_i (x_i - guess))**2, for any number of estimates at once.
        scale: the largest a_i of each.
        alpha: the error allowed.
    """
    sizes = np.where(scale > 0, scale, 1.0)
    spent = np.log(len(STAKES) / alpha) + np.multiply.outer(variance / np.square(sizes), _PSI)
    far: Vector = sizes * (spent / STAKES).min(axis=-1)
    return np.where(scale > 0, far, 0.0)


def stakes(weights: Vector) -> Vector:
    """Return stakes for groups of observations that count for so much: a row for each stake, none above a half."""
    most: Vector = np.minimum(np.multiply.outer(STAKES, weights), STAKES[0])
    return most


def chance(staked: Vector, sums: tuple[Vector, Vector, Vector], spare: float) -> Vector:
    """Return what observations add to the logarithm of the wealth of a bet that more is lost than `spare`, by stake.

    One observation is a loss or a gain of 0 to 1, never both; the bet multiplies by 1 + l (loss - gain - spare), whose
    logarithm is concave in either, and so never below the straight line from 0 to 1. Of all-or-nothing observations
    this is the wealth itself.

    Args:
        staked: for each group of observations; what `stakes` gave.
        sums: of each group, how many there are, the sum of their losses and of their gains.
        spare: what may be lost on each, less than 1.
    """
    count, lost, won = sums
    stays = np.log1p(-staked * spare)
    falls, rises = np.log1p(-staked * (1 + spare)) - stays, np.log1p(staked * (1 - spare)) - stays
    grown: Vector = (count * stays + lost * rises + won * falls).sum(axis=-1)
    return grown


def growth(staked: Vector, total: Vector, squares: Vector) -> Vector:
    """Return what observations add to the logarithm of the wealth of a bet that their mean is above 0, for each stake.

    Args:
        staked: for each group of observations; what `stakes` gave.
        total: the sum of each group; no observation is more than 1 below what was guessed of it.
        squares: the sum of the squared differences from the guesses.
    """
    grown: Vector = (staked * total - (-np.log1p(-staked) - staked) * squares).sum(axis=-1)
    return grown
