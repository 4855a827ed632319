"""What is known about quality: sums over judged answers, by band.

Sums are all that counters carry from many processes to the one that decides. Each judged answer has a weight w, one
over the probability that it was looked at, and a value x from 0 to 1; kept are the sums of w, w², w x and (w x)²:
enough for a weighted mean, for how many answers of equal weight it is worth, and for how sure one can be of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from router.arrays import Flags, Vector, np

__all__ = ["BANDS", "MEASURES", "SUMS", "Labels", "Sums", "Vector"]


BANDS: Final = 10
MEASURES: Final = ("loss", "gain", "low", "last", "disagreement")
"""By how much the last tier's answer to the same request was better, or worse; how good the first tier's answers were,
and the last one's; how far the two were from saying the same."""
SUMS: Final = ("weight", "weight_sq", "weighted", "weighted_sq")


@dataclass(frozen=True, slots=True)
class Sums:
    """One measure: its four sums for each band."""

    weight: Vector
    weight_sq: Vector
    weighted: Vector
    weighted_sq: Vector

    @property
    def known(self) -> Flags:
        """Where there is any."""
        return self.weight > 0

    @property
    def count(self) -> Vector:
        """How many answers of equal weight they are worth."""
        return np.divide(np.square(self.weight), self.weight_sq, out=np.zeros(BANDS), where=self.weight_sq > 0)

    @property
    def mean(self) -> Vector:
        """The weighted mean; 0 where there is none."""
        return np.divide(self.weighted, self.weight, out=np.zeros(BANDS), where=self.known)

    @property
    def spread(self) -> Vector:
        """The mean square of the values; 0 where there is none."""
        return np.divide(self.weighted_sq, self.weight_sq, out=np.zeros(BANDS), where=self.weight_sq > 0)

    def pooled(self) -> tuple[float, float, float]:
        """Return mean, variance and count over all bands together; zeros when there is none."""
        weight, squared = float(self.weight.sum()), float(self.weight_sq.sum())
        if weight <= 0 or squared <= 0:
            return 0.0, 0.0, 0.0
        mean = float(self.weighted.sum()) / weight
        return mean, max(0.0, float(self.weighted_sq.sum()) / squared - mean * mean), weight * weight / squared


@dataclass(frozen=True, slots=True)
class Labels:
    """Every measure's sums: an array of measure, sum and band."""

    table: Vector

    @classmethod
    def none(cls) -> Self:
        """Nothing is known."""
        return cls(np.zeros((len(MEASURES), len(SUMS), BANDS)))

    @classmethod
    def of(cls, rows: Sequence[Sequence[Sequence[float]]]) -> Self:
        """Read what `rows` gave; ValueError when it has another shape."""
        table = np.array(rows, dtype=float)
        if table.shape != (len(MEASURES), len(SUMS), BANDS) or not np.isfinite(table).all():
            raise ValueError("not the sums of ten bands")
        return cls(table)

    def rows(self) -> list[object]:
        """Return the table as JSON has it."""
        return [[[float(f"{value:.9g}") for value in sums] for sums in measure] for measure in self.table]

    def __add__(self, other: "Labels") -> "Labels":
        return Labels(self.table + other.table)

    def sums(self, measure: str) -> Sums:
        """Return one measure's sums."""
        return Sums(*self.table[MEASURES.index(measure)])

    @property
    def pairs(self) -> float:
        """How many requests were answered by both tiers and judged."""
        return float(self.sums("loss").count.sum())

    @property
    def judged(self) -> float:
        """How many judgements of quality there are: of pairs, or else of the first tier's answers alone."""
        return self.pairs or float(self.sums("low").count.sum())
