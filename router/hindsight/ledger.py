"""What was spent, what the last tier alone would have taken, and how sure the difference is: sums in, a ledger out.

**The interval** is a percentile bootstrap (Efron 1979) over blocks of traffic that followed one another: requests of
one conversation, one hour or one customer resemble each other, and blocks keep that together (Künsch 1989) where single
requests would make the interval too narrow. What is estimated from the same traffic (the last tier's input, its cached
share, the length of its answers) is estimated anew in each resample, so that its doubt is in the interval too. Prices,
which are taken as they are, and hours, which are counted, have none.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.baseline import ENOUGH
from router.pricing import Price

__all__ = ["BLOCKS", "Blocks", "Ledger", "balance"]

Table = NDArray[np.float64]

BLOCKS: Final = 50
"""At least so many blocks, and at most twice as many: few enough that each is longer than a conversation."""
_TIMES: Final = 2_000
_MILLION: Final = 1_000_000

_SUMS: Final = (
    *("served", "escalation", "explore", "shadow", "judge"),  # spent, by kind, in US dollars
    *("exact", "tokens", "output"),  # the baseline: known; of the rest, estimated input and answered output
    *("calls", "seen_tokens", "seen_input", "warm_input", "warm_cached"),  # how the last tier takes requests
    *("pairs", "shadow_output", "beside_output"),  # its answers and the cheaper tier's, to the same requests
)
_AT: Final = {name: place for place, name in enumerate(_SUMS)}
SPENT: Final = ("served", "escalation", "explore", "shadow", "judge")


class Blocks:
    """Sums over blocks of one route's traffic, in the order in which it came.

    Blocks grow as traffic does, so that there are never more than twice `BLOCKS` of them: a year needs no more memory
    than an hour.
    """

    def __init__(self) -> None:
        self._rows = [np.zeros(len(_SUMS))]
        self._size = 1
        self._in_last = 0
        self._of: dict[str, int] = {}

    def begin(self) -> None:
        """Begin with the next request."""
        if self._in_last >= self._size:
            self._rows.append(np.zeros(len(_SUMS)))
            self._in_last = 0
            if len(self._rows) > 2 * BLOCKS:
                self._halve()
        self._in_last += 1

    def _halve(self) -> None:
        """Make one block of every two neighbours."""
        rows, last = self._rows[:-1], self._rows[-1]
        self._rows = [first + second for first, second in zip(rows[::2], rows[1::2], strict=True)] + [last]
        self._size *= 2

    def add(self, **sums: float) -> None:
        """Add to sums of the block that is being filled."""
        row = self._rows[-1]
        for name, value in sums.items():
            row[_AT[name]] += value

    @property
    def table(self) -> Table:
        """Every block's sums, shape (blocks, sums)."""
        return np.array(self._rows)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a route's traffic took, in US dollars."""

    baseline: float
    """What the last tier alone would have taken."""
    spent: dict[str, float]
    """By kind: served, escalation, explore, shadow, judge."""
    net: float
    """What was saved, hosts that are paid by the hour not yet taken off."""
    low: float
    high: float
    input_ratio: float
    cached_share: float
    output_ratio: float

    @property
    def cost(self) -> float:
        """What was spent."""
        return sum(self.spent.values())


def balance(table: Table, price: Price | None, *, confidence: float, seed: int = 0) -> Ledger:
    """Draw up the ledger of a route.

    Args:
        table: what `Blocks.table` gives.
        price: the last tier's; None: nobody knows it, then only what it answered itself has a baseline.
        confidence: of the interval.
        seed: of the resamples.
    """
    total = table.sum(axis=0)
    baseline, habits = _baseline(total[None, :], price)
    spent = {name: float(total[_AT[name]]) for name in SPENT}
    draws = np.random.default_rng(seed).multinomial(len(table), np.full(len(table), 1 / len(table)), _TIMES)
    sums = draws @ table
    saved = _baseline(sums, price)[0] - sums[:, : len(SPENT)].sum(axis=1)
    low, high = np.quantile(saved, ((1 - confidence) / 2, (1 + confidence) / 2))
    return Ledger(
        float(baseline[0]),
        spent,
        float(baseline[0] - sum(spent.values())),
        float(low),
        float(high),
        *(float(habit[0]) for habit in habits),
    )


def _baseline(sums: Table, price: Price | None) -> tuple[Table, tuple[Table, Table, Table]]:
    """The baseline of each row of sums, and the last tier's habits in it: as `router.baseline` has them."""
    of = {name: sums[:, place] for name, place in _AT.items()}
    known = (of["calls"] >= ENOUGH) & (of["seen_tokens"] > 0)
    ratio = np.where(known, of["seen_input"] / np.maximum(of["seen_tokens"], 1), 1.0)
    warm = np.where(of["warm_input"] > 0, of["warm_cached"] / np.maximum(of["warm_input"], 1), 0.0)
    cached = np.where(known, warm, 1.0)
    told = (of["pairs"] >= ENOUGH) & (of["beside_output"] > 0)
    longer = np.where(told, of["shadow_output"] / np.maximum(of["beside_output"], 1), 1.0)
    if price is None:
        return of["exact"], (ratio, cached, longer)
    cached_price = price.input if price.cached_input is None else price.cached_input
    per_input = cached * cached_price + (1 - cached) * price.input
    rest = (of["tokens"] * ratio * per_input + of["output"] * longer * price.output) / _MILLION
    return of["exact"] + rest, (ratio, cached, longer)
