"""Does the floor under quality hold: at this threshold, at another one, and did something change?

The floor: what is served is worth at least m times what the last tier's answers are. With p_b the share of traffic in
band b, f_b(t) the part of it that starts at the first tier at threshold t, D_b by how much the first tier's answers are
better there (mostly a negative number), and F how good the last tier's are, that is

    margin(t) = sum(p_b f_b(t) D_b) + (1 - m) F >= 0.

**Three questions, three bounds.** *May a threshold be raised?* A lower bound of the margin that holds at any time
(`confidence.shortfall`), with half of 1 - confidence for each period of evidence: two periods overlap where one follows
the other. Candidates are tested from the lowest to the highest and testing stops at the first that is not proven (fixed
sequence, as in `router.calibration`), so that trying many costs nothing. *Is the floor broken?* An e-detector (Shin,
Ramdas & Rinaldo, 2023): a bet against the floor that begins anew whenever it has lost, which cries wolf once in 10,000
windows at most on average. *How far back?* To where the margin is above 0 by an ordinary one-sided interval, window
after window until that threshold is proven: going towards the last tier needs no proof.

**What stands for D_b**, the best that there is in each band: requests that both tiers answered (the difference), or
judgements of each on requests of its own, or disagreement, which is never less than the loss. A band without any counts
as if everything were lost there. Shares p_b are taken as known: among what is looked at, bands are weighted to them.
"""

import math
from dataclasses import dataclass
from typing import Final

from router import confidence
from router.arrays import Vector, np
from router.control.labels import BANDS, Labels, Sums

__all__ = ["Detector", "Floor", "Margins", "known_to_hold", "margins"]

_FOR_LAST: Final = 0.1
"""The part of the error that the last tier's own quality gets: (1 - m) makes little of it."""
_ALARM: Final = math.log(10_000)
_NOTHING: Final = -100.0
"""The logarithm of nothing at all."""
_MOST: Final = 8.0
"""How many times its own weight an answer may count for, where few of its band were judged."""
_STIRS: Final = 2.0
"""A wealth, as a logarithm, below which a window is not yet taken for the beginning of a change."""
_ONE_SIDED: Final = 2.33
_ENOUGH: Final = 30.0


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor that a policy sets."""

    min: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Margins:
    """What evidence says of every candidate: an estimate, a bound for ever, and a bound for once."""

    estimate: Vector
    proven: Vector
    likely: Vector
    last: float | None
    """How good the last tier's answers are."""

    @property
    def reach(self) -> int:
        """How many candidates are proven, from the lowest on."""
        broken = np.flatnonzero(self.proven < 0)
        return int(broken[0]) if len(broken) else len(self.proven)


@dataclass(frozen=True, slots=True)
class _Loss:
    """D_b with its uncertainty: the sum of squares and the largest weight of a mean."""

    mean: Vector
    variance: Vector
    scale: Vector


def margins(floor: Floor, labels: Labels, mix: Vector, below: Vector) -> Margins:
    """Say by how much the floor holds at candidates.

    Args:
        floor: what the policy asks for.
        labels: the evidence.
        mix: the share of traffic in each band; of several mixtures, one in each row, the hardest counts.
        below: for each candidate, the share of every band that starts at the first tier.
    """
    alpha = (1 - floor.confidence) / 2
    loss = _loss(labels)
    good, vague, count = labels.sums("last").pooled()
    spare = (1 - floor.min) * (good - _unsure(good, vague, count, alpha * _FOR_LAST))
    parts = below * np.atleast_2d(mix)[:, None, :]
    squares, heaviest = np.square(parts) @ loss.variance, (parts * loss.scale).max(axis=-1)
    lost = parts @ loss.mean
    proven = lost + spare - confidence.shortfall(squares, heaviest, alpha=alpha * (1 - _FOR_LAST))
    estimate = lost + (1 - floor.min) * good
    enough = labels.judged >= _ENOUGH
    likely = estimate - _ONE_SIDED * np.sqrt(squares) if enough else np.full(lost.shape, -np.inf)
    untouched = parts.sum(axis=-1) <= 0  # nothing starts at the first tier: the floor holds whatever is known
    return Margins(
        estimate[-1],
        np.where(untouched, 0.0, proven).min(axis=0),
        np.where(untouched, 0.0, likely).min(axis=0),
        good if count else None,
    )


def known_to_hold(floor: Floor, labels: Labels, mix: Vector, count: float, below: Vector) -> tuple[Vector, Vector]:
    """Say where the floor holds for another mixture of traffic, if answers in each band are what they were.

    Nothing is assumed of bands that nobody judged, and disagreement is no loss: this is what speaks against a
    threshold, not for one.

    Args:
        floor: what the policy asks for.
        labels: the evidence.
        mix: the share of traffic in each band, as so many (`count`) requests had it.
        count: how many.
        below: for each candidate, the share of every band that starts at the first tier.

    Returns:
        The margin of each candidate, and its standard error.
    """
    loss = _loss(labels)
    seen = labels.sums("loss").known | (labels.sums("low").known & labels.sums("last").known)
    good = labels.sums("last").pooled()[0]
    each = below * np.where(seen, loss.mean, 0.0)
    lost = each @ mix
    among = np.maximum(np.square(each) @ mix - np.square(lost), 0.0) / max(count, 1.0)
    error = np.sqrt(np.square(below * mix) @ np.where(seen, loss.variance, 0.0) + among)
    return lost + (1 - floor.min) * good, error


def _unsure(good: float, vague: float, count: float, alpha: float) -> float:
    """Return how far below its estimate the last tier's own quality may lie."""
    if not count:
        return good
    variance = _running(np.array([vague]), np.array([count]))
    return min(good, float(confidence.shortfall(variance, np.array([1 / count]), alpha=alpha)[0]))


def _loss(labels: Labels) -> _Loss:
    """Return the best that stands for D_b in each band."""
    loss, gain, low, last = (labels.sums(name) for name in ("loss", "gain", "low", "last"))
    apart = labels.sums("disagreement")
    single = low.known & last.known
    kinds = [loss.known, single, apart.known]
    mean = np.select(kinds, [gain.mean - loss.mean, low.mean - last.mean, -apart.mean], -1.0)
    squares = np.select(
        kinds,
        [
            (gain.spread + loss.spread) / np.maximum(loss.count, 1e-9),
            _spread(low) + _spread(last),
            apart.spread / np.maximum(apart.count, 1e-9),
        ],
        0.0,
    )
    counts = np.select(kinds, [loss.count, np.minimum(low.count, last.count), apart.count], np.inf)
    return _Loss(mean, squares, 1 / counts)


def _spread(sums: Sums) -> Vector:
    return _running(np.maximum(sums.spread - np.square(sums.mean), 0.0), np.maximum(sums.count, 1e-9))


def _running(variance: Vector, count: Vector) -> Vector:
    """Return the squared error of a mean when each value was guessed by the mean of those before it.

    The guesses begin at one half, and cost a logarithm more than the mean that is known in the end.
    """
    squared: Vector = (variance + 0.25 * (1 + np.log1p(count)) / count) / count
    return squared


@dataclass(frozen=True, slots=True)
class Detector:
    """Bets that the floor is broken, window after window.

    One begins anew whenever it has lost: how it stands says since when the floor may be broken. And one more begins
    with every window; what all of those are worth together grows by one a window at most while the floor holds, however
    long it is watched, and so cries wolf once in 10,000 windows on average, or less often (Shiryaev and Roberts).
    """

    wealth: tuple[float, ...] = (0.0,) * len(confidence.STAKES)
    """The logarithm of the one, for each stake."""
    together: tuple[float, ...] = (_NOTHING,) * len(confidence.STAKES)
    """The logarithm of all, for each stake."""

    def after(self, floor: Floor, window: Labels, known: Labels, mix: Vector, below: Vector) -> "Detector":
        """Bet on one more window.

        Args:
            floor: what must hold.
            window: what was judged in it.
            known: the evidence so far, for what the last tier's answers are worth.
            mix: the share of traffic in each band.
            below: the part of every band that started at the first tier in this window.
        """
        started = float(mix @ below)
        good, _, count = known.sums("last").pooled()
        spare = (1 - floor.min) * good / started if started > 0 else 1.0  # so much may be lost on each that starts low
        if spare >= 1 or not count or (grown := _grown(window, known, mix * below, spare)) is None:
            return self
        wealth = np.maximum(np.array(self.wealth), 0.0) + grown
        together = np.logaddexp(np.array(self.together), 0.0) + grown
        return Detector(tuple(wealth.tolist()), tuple(together.tolist()))

    @property
    def rests(self) -> bool:
        """Whether little speaks against the floor at the moment."""
        return max(self.wealth) < _STIRS

    @property
    def rings(self) -> bool:
        """Whether the floor is broken."""
        return float(np.logaddexp.reduce(np.array(self.together))) - float(np.log(len(self.together))) >= _ALARM


def _grown(window: Labels, known: Labels, low: Vector, spare: float) -> Vector | None:
    """What a window adds to the logarithm of a bet's wealth; None without any. Disagreement is no loss, and adds none.

    A band's answers count for as much as its part (`low`) of what starts at the first tier, however many of them were
    judged. Two bounds of the same wealth, and the better one counts: one knows how far losses spread, the other is
    exact where each answer is good or bad and nothing in between.
    """
    loss, gain, single, last = window.sums("loss"), window.sums("gain"), window.sums("low"), known.sums("last")
    if loss.known.any():
        count, staked = loss.count, _staked(loss.count, low)
        lost, won = count * loss.mean, count * gain.mean
        squares = count * (loss.spread + gain.spread) - 2 * spare * (lost - won) + spare**2 * count
        spread = confidence.growth(staked, lost - won - spare * count, np.maximum(squares, 0.0))
        sure: Vector = np.maximum(spread, confidence.chance(staked, (count, lost, won), spare))
        return sure
    if not single.known.any():
        return None
    good = np.where(last.known, last.mean, last.pooled()[0])
    count = single.count
    about = np.where(single.known, np.maximum(single.spread - np.square(single.mean), 0.0) * count + 0.25, 0.0)
    total = count * (np.where(single.known, good - single.mean, 0.0) - spare)
    return confidence.growth(_staked(count, low), total, about)


def _staked(count: Vector, low: Vector) -> Vector:
    """The stakes in each band: none where nothing starts at the first tier."""
    part = np.where(count > 0, low, 0.0)
    mean = float(count[part > 0].sum()) / max(float(part.sum()), 1e-9)
    return confidence.stakes(np.minimum(np.divide(part * mean, count, out=np.zeros(BANDS), where=count > 0), _MOST))
