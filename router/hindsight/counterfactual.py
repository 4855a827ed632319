"""What would have happened, had requests started elsewhere, and how sure can one be? The statistics, pure.

Every recorded request x started at a tier a, with propensity p = P(a | x), and came to a value y: dollars, seconds, a
score. Another policy starts it at w(x). Wanted is the mean of y(w(x)) over traffic like the recorded.

**Where there is overlap** (the request started there, or might have: p < 1) the mean is identified by inverse
propensity (Horvitz & Thompson 1952), normalised within bands of difficulty (Hájek 1971), and made doubly robust by a
prediction m(x, w), such as the difficulty model's p_good, where there is one (Robins, Rotnitzky & Zhao 1994; Dudík,
Langford & Li 2011): mean of m over the requests wanted, plus the weighted mean of y - m over those that were seen. That
is right if either the propensities or the predictions are, and propensities are known: they were recorded. Scores that
were sampled (shadows, graders) carry one over the probability of having been looked at as a further weight.

**Where there is none** but other requests of the same band did start there, they stand in for it, corrected by m: an
extrapolation within a tenth of the difficulties, counted as `near`. **Where nobody did**, nothing is known: the share
of such requests is `unknown`; a bounded value then has bounds only (Manski 1990: whatever they were, they were from 0
to 1), an unbounded one has none. A prediction that is `trusted` (the last tier's cost follows from its price) may
stand in.

**Intervals.** The variance is that of the influence function: of the residuals within strata, plus that of the
prediction over traffic. For dollars and seconds Student's t with Satterthwaite's degrees of freedom; for shares
Wilson's interval at the effective sample size (Korn & Graubard 1998), which stays honest when all of forty scores are
1: a stratum's variance is drawn toward that of coins that fall as predicted, and no score counts for more than one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST", "Estimate", "Sample", "estimate"]

Vector = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST: Final = 10.0
"""Effective observations without which nothing is said about a stratum."""
_PRIOR: Final = 5.0
"""How many observations the variance of a coin counts for in that of a share."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Recorded requests, one entry each."""

    band: NDArray[np.int64]
    started: NDArray[np.int64]
    """The place in the cascade where it started."""
    wanted: NDArray[np.int64]
    """Where the other policy starts it."""
    propensity: Vector
    """How likely it was to start where it did."""
    value: Vector
    """What came of it; NaN where nobody knows."""
    weight: Vector
    """One over the probability that its value was looked at."""
    predicted: Vector | None = None
    """What is predicted for its wanted start."""
    predicted_started: Vector | None = None
    """What was predicted for the start it had."""
    trusted: bool = False
    """Whether predictions may stand alone where nothing was seen."""
    bounded: bool = False
    """Whether values are from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean, and how much of it stands on what."""

    value: float | None
    """None where part of it is unknown and nothing bounds it."""
    low: float | None
    high: float | None
    direct: float
    """Share of requests with overlap: they started there, or might have."""
    near: float
    """Share that others of their band stand in for."""
    priced: float
    """Share that a trusted prediction stands in for."""
    unknown: float
    n: int
    """Values that were seen and counted."""


@dataclass(frozen=True, slots=True)
class _Stratum:
    """Requests that are estimated together."""

    of: Mask
    mean: float
    variance: float
    """Of the mean, from residuals."""
    effective: float
    """Observations, weights considered."""
    kind: str


def estimate(sample: Sample, *, confidence: float = 0.95) -> Estimate:
    """Return the mean value under the other policy, with an interval of this confidence."""
    bounded = sample.bounded
    total = len(sample.band)
    if not total:
        return Estimate(None, None, None, 0.0, 0.0, 0.0, 1.0, 0)
    strata = list(_strata(sample))
    share = {
        kind: float(sum(s.of.sum() for s in strata if s.kind == kind) / total) for kind in ("direct", "near", "priced")
    }
    unknown = max(0.0, 1.0 - sum(share.values()))
    seen = int((_seen(sample) & (sample.started == sample.wanted)).sum())
    kinds = share["direct"], share["near"], share["priced"], unknown
    if unknown == 1.0:
        return Estimate(None, 0.0 if bounded else None, 1.0 if bounded else None, *kinds, n=seen)
    low, value, high = map(float, _combined(strata, sample, total, confidence))
    if unknown <= 1e-9:
        return Estimate(value, low, high, *kinds, n=seen)
    if not bounded:
        return Estimate(None, None, None, *kinds, n=seen)
    known = 1.0 - unknown
    return Estimate(None, low * known, high * known + unknown, *kinds, n=seen)


def _seen(sample: Sample) -> Mask:
    return ~np.isnan(sample.value)


def _strata(sample: Sample) -> Iterator[_Stratum]:
    """Every set of requests about which something can be said."""
    overlaps = (sample.started == sample.wanted) | (sample.propensity < 1.0)
    seen = _seen(sample)
    for place in np.unique(sample.wanted):
        wanted = sample.wanted == place
        here = seen & (sample.started == place)
        yield from _direct(sample, wanted & overlaps, wanted & overlaps & here)
        for band in np.unique(sample.band[wanted & ~overlaps]):
            of, beside = wanted & ~overlaps & (sample.band == band), here & (sample.band == band)
            yield from _told(sample, of, beside, "near")


def _direct(sample: Sample, of: Mask, seen: Mask) -> Iterator[_Stratum]:
    """Requests with overlap, by band; bands with too little to go by are taken together with the next."""
    bands = list(np.unique(sample.band[of]))
    groups: list[Mask] = []
    rest = np.zeros(len(of), bool)
    for band in bands:
        rest |= of & (sample.band == band)
        if _effective(sample, rest & seen) >= LEAST:
            groups.append(rest)
            rest = np.zeros(len(of), bool)
    if rest.any() and groups:
        groups[-1] |= rest
    elif rest.any():
        groups.append(rest)
    for group in groups:
        yield from _told(sample, group, group & seen, "direct")


def _told(sample: Sample, of: Mask, seen: Mask, kind: str) -> Iterator[_Stratum]:
    """What those that were seen say of these requests; nothing when they are too few and no prediction is trusted."""
    effective = _effective(sample, seen)
    wanted, had = sample.predicted, sample.predicted_started
    missing = (wanted is None or np.isnan(wanted[of]).any()) or (had is not None and np.isnan(had[seen]).any())
    modelled = not missing
    if effective >= LEAST:
        shift, variance = _residuals(sample, seen, had if modelled else None, effective)
        mean = shift + (float(wanted[of].mean()) if wanted is not None and modelled else 0.0)
        yield _Stratum(of, mean, variance / effective, effective, kind)
    elif wanted is not None and modelled and sample.trusted:
        yield _Stratum(of, float(wanted[of].mean()), 0.0, math.inf, "priced")


def _residuals(sample: Sample, seen: Mask, predicted: Vector | None, effective: float) -> tuple[float, float]:
    """How far values are from what was predicted: their weighted mean, and their variance."""
    weights, values = _weights(sample, seen), sample.value[seen]
    expected = np.zeros(len(values)) if predicted is None else np.nan_to_num(predicted[seen])
    shift = float(np.average(values - expected, weights=weights))
    variance = float(np.average((values - expected - shift) ** 2, weights=weights)) * effective / (effective - 1)
    if not sample.bounded:
        return shift, variance
    if predicted is None:
        expected = np.full(len(values), float(np.nanmean(sample.value)))
        shift_from = shift - float(expected[0]) if len(expected) else 0.0
    else:
        shift_from = shift
    chance = np.clip(expected + shift_from * effective / (effective + _PRIOR), 0.02, 0.98)
    coin = float(np.average(chance * (1 - chance), weights=weights))
    return shift, (effective * variance + _PRIOR * coin) / (effective + _PRIOR)


def _weights(sample: Sample, seen: Mask) -> Vector:
    weights: Vector = sample.weight[seen] / sample.propensity[seen]
    return weights


def _effective(sample: Sample, seen: Mask) -> float:
    """Kish's effective number of observations."""
    weights = _weights(sample, seen)
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def _combined(strata: list[_Stratum], sample: Sample, total: int, confidence: float) -> tuple[float, float, float]:
    """The mean over everything that is known, with its interval: low, value, high."""
    sizes = np.array([stratum.of.sum() for stratum in strata], float)
    shares = sizes / sizes.sum()
    value = float(shares @ [stratum.mean for stratum in strata])
    within = [share**2 * stratum.variance for share, stratum in zip(shares, strata, strict=True)]
    traffic = _between(strata, sample, value) / total
    variance = sum(within) + traffic
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    z = _student(z, _satterthwaite(within, strata, traffic, total))
    if sample.bounded:
        parts = zip(shares, strata, strict=True)
        each = sum(share**2 / stratum.effective for share, stratum in parts)  # a trusted prediction adds nothing
        return _wilson(value, variance, 1 / each if each else total, z)
    half = z * math.sqrt(variance)
    return value - half, value, value + half


def _between(strata: list[_Stratum], sample: Sample, value: float) -> float:
    """The variance over traffic of what is predicted for each request."""
    squares = count = 0.0
    for stratum in strata:
        each = np.full(int(stratum.of.sum()), stratum.mean)
        if sample.predicted is not None and not np.isnan(sample.predicted[stratum.of]).any():
            each = each + sample.predicted[stratum.of] - sample.predicted[stratum.of].mean()
        squares += float(((each - value) ** 2).sum())
        count += len(each)
    return squares / count


def _wilson(value: float, variance: float, most: float, z: float) -> tuple[float, float, float]:
    """Wilson's interval at as many observations as would have this variance, and at `most` so many."""
    inside = min(1.0, max(0.0, value))
    binomial = inside * (1 - inside)
    n = min(binomial / variance, most) if variance > 0 and binomial > 0 else most
    square = z * z / n
    middle = (inside + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(max(0.0, binomial / n + square / (4 * n)))
    return max(0.0, middle - half), inside, min(1.0, middle + half)


def _satterthwaite(within: list[float], strata: list[_Stratum], traffic: float, total: int) -> float:
    parts = [v * v / (s.effective - 1) for v, s in zip(within, strata, strict=True) if s.effective < math.inf]
    below = sum(parts) + traffic**2 / max(1, total - 1)
    return (sum(within) + traffic) ** 2 / below if below > 0 else math.inf


def _student(z: float, freedom: float) -> float:
    """The quantile of Student's t that the normal z is (Abramowitz & Stegun 26.7.5)."""
    if math.isinf(freedom):
        return z
    nu = max(1.0, freedom)
    return z + (z**3 + z) / (4 * nu) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * nu**2)
