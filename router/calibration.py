"""The cheapest threshold that keeps a floor under quality, and the proof that goes with it.

**Claim.** Let a request start at the first tier when its difficulty is below t, and at the last one otherwise. Let Q(t)
be the mean score of what is served and F that of the last tier, over the population that the sample was drawn from. The
threshold returned keeps Q(t) >= floor * F, except with probability at most 1 - confidence over the draw of the sample.

**Method.** Learn then Test (Angelopoulos, Bates, Candès, Jordan, Lei; arXiv 2110.01052). For a threshold t, a row with
the scores a (first tier) and b (last tier) and the difficulty d is worth

    w(t) = s - floor * b,   s = a if d < t else b,   from -floor to 1,

so that the floor holds if and only if the mean of w(t) is not negative. Being paired, w is small wherever the two tiers
agree and whatever is served by the last tier only adds. "The mean of w(t) is below 0" is tested by betting
(`router.confidence`), which is valid in finite samples without any assumption but independent rows.

**Many thresholds.** They are tested in a fixed order, from the safest to the boldest, and testing stops at the first
that is not refuted. The thresholds and their order are fixed before the sample is seen (quantiles of the *training*
prompts' difficulty), so that no correction for the number of tests is needed: a false claim requires that the first
threshold in the order that breaks the floor is passed, which happens with probability at most 1 - confidence.

**Why not all at once.** Q(t) need not fall steadily in t, so a floor broken early and kept later ends the search early:
that costs savings, never the guarantee.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from router import confidence as bounds
from router.arrays import Vector, np

FORMAT: Final = 1
"""Of calibration files."""
LARGEST_THRESHOLD: Final = math.nextafter(1.0, 2.0)
"""One step above the largest difficulty, so that everything is below."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A threshold with its proof, or the refusal of one."""

    threshold: float
    """0 when no threshold could be supported: everything starts at the last tier."""
    floor: float
    confidence: float
    n: int
    tuned_share: float
    """Share of the sample that starts at the first tier."""
    served: float
    """Mean score of what would have been served on the sample."""
    frontier: float
    """Mean score of the last tier on the sample."""
    lower_bound: float
    """What the population's served quality is above, as a share of the last tier's, with the stated confidence."""

    @property
    def supported(self) -> bool:
        """Whether there is a threshold at all."""
        return self.threshold > 0


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled traffic: for each request its difficulty and what both tiers' answers were worth, 0 to 1.

    Rows that are copies of others are kept: they are the traffic.
    """

    difficulty: Vector
    first: Vector
    last: Vector

    def served(self, threshold: float) -> Vector:
        """Return the scores of what is served at a threshold."""
        return np.where(self.difficulty < threshold, self.first, self.last)

    def shuffled(self, seed: int) -> "Sample":
        """Return the rows in another order: in a sorted one betting would be weak, though not wrong."""
        order = np.random.default_rng(seed).permutation(len(self.difficulty))
        return Sample(self.difficulty[order], self.first[order], self.last[order])


def calibrate(sample: Sample, thresholds: Sequence[float], *, floor: float, confidence: float) -> Calibration:
    """Return the cheapest of `thresholds` that keeps `floor` of the last tier's quality, with this confidence.

    Args:
        sample: independent rows, in random order.
        thresholds: what may be chosen, fixed without regard to the sample.
        floor: the share of the last tier's quality that must be kept, above 0 and at most 1.
        confidence: with which probability it must be, above 0 and below 1.
    """
    chosen = 0.0
    for threshold in sorted(thresholds):
        if p_value(sample.served(threshold), sample.last, floor, alpha=1 - confidence) > 1 - confidence:
            break
        chosen = float(threshold)
    served = sample.served(chosen)
    n = len(served)
    return Calibration(
        threshold=chosen,
        floor=floor,
        confidence=confidence,
        n=n,
        tuned_share=float((sample.difficulty < chosen).mean()) if n else 0.0,
        served=float(served.mean()) if n else 0.0,
        frontier=float(sample.last.mean()) if n else 0.0,
        lower_bound=kept(served, sample.last, confidence=confidence) if chosen else 1.0,
    )


def p_value(served: Vector, last: Vector, floor: float, *, alpha: float) -> float:
    """Return the p-value of "less than `floor` of the last tier's quality is kept" for rows served like this."""
    worth = (served - floor * last + floor) / (1 + floor)  # From 0 to 1; "w is below 0" is "worth is below this":
    return bounds.p_value(worth, floor / (1 + floor), alpha=alpha)


def kept(served: Vector, last: Vector, *, confidence: float) -> float:
    """Return the largest floor, in steps of a thousandth, that rows served like this support with this confidence."""
    alpha = 1 - confidence
    low, high = 0, 1_000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if p_value(served, last, middle / 1_000, alpha=alpha) <= alpha else (low, middle)
    return low / 1_000


class CalibrationError(ValueError):
    """A calibration file that cannot be used, and in one line why."""


def read(content: bytes, place: str, *, model: str, tiers: Sequence[str]) -> Calibration:
    """Read what `smallfirst calibrate --out` wrote for the model with this hash and for these tiers.

    Args:
        content: what the file holds.
        place: what errors call the file.
        model: the hash of the model whose difficulties the threshold is for.
        tiers: the route's, cheapest first.

    Raises:
        CalibrationError: it is of another format, or belongs to another model or to other tiers.
    """
    try:
        value = orjson.loads(content)
        belongs = (value["format"], value["model"], tuple(value["tiers"]))
        quality = value["quality"]
        found = Calibration(
            threshold=float(value["threshold"]),
            floor=float(value["floor"]),
            confidence=float(value["confidence"]),
            n=int(value["n"]),
            tuned_share=float(value["tuned_share"]),
            served=float(quality["served"]),
            frontier=float(quality["frontier"]),
            lower_bound=float(quality["lower_bound"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise CalibrationError(f"{place}: not a calibration; `smallfirst calibrate --out` writes one") from error
    _check(belongs, (FORMAT, model, tuple(tiers)), place)
    if not 0 <= found.threshold <= LARGEST_THRESHOLD:
        raise CalibrationError(f"{place}: corrupt: its threshold {found.threshold:g} is not from 0 to 1")
    return found


def _check(
    belongs: tuple[object, object, tuple[object, ...]], wanted: tuple[int, str, tuple[str, ...]], place: str
) -> None:
    """Raise CalibrationError when a file is of another format, or was made for something else.

    Tiers between the first and the last have no part in a calibration.
    """
    if belongs[0] != wanted[0]:
        raise CalibrationError(f"{place}: format {belongs[0]}, not {wanted[0]}; calibrate again")
    if belongs[1] != wanted[1]:
        raise CalibrationError(f"{place}: made for the model {belongs[1]}, not {wanted[1]}; calibrate again")
    if belongs[2][:1] != wanted[2][:1] or belongs[2][-1:] != wanted[2][-1:]:
        made, has = ", ".join(map(str, belongs[2])), ", ".join(wanted[2])
        raise CalibrationError(f"{place}: made for the tiers {made}; this route has {has}; calibrate again")
