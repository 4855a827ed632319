"""A made-up world: traffic by difficulty, two tiers whose quality, cost and speed are known, and people who judge.

Traffic is divided by per cent of the training prompts' difficulty. Everything is drawn from one generator, so that a
seed repeats a world exactly.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from router.control import BANDS, LAST, LOW, MEASURES, Labels, Window

__all__ = ["EDGES", "PER_CENTS", "QUANTILES", "WINDOW", "World"]

Vector = NDArray[np.floating]

PER_CENTS: Final = 100
WINDOW: Final = 900.0
EDGES: Final = np.array([0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
_MIDDLE: Final = (np.arange(PER_CENTS) + 0.5) / PER_CENTS
QUANTILES: Final = tuple(float(each) for each in 0.01 + 0.5 * (np.arange(PER_CENTS + 1) / PER_CENTS) ** 2)
"""The training prompts' difficulties: the difficulty model is not wrong in kind, only in amount."""
_SPREAD: Final = 0.6
"""Of the logarithm of seconds."""


def _losses() -> Vector:
    return 0.004 + 0.35 * _MIDDLE**3


@dataclass(frozen=True, slots=True)
class World:
    """How things are for a while. Vectors are by per cent of difficulty."""

    requests: float = 2000.0
    """In each window, on average."""
    mix: Vector = field(default_factory=lambda: np.full(PER_CENTS, 1 / PER_CENTS))
    loss: Vector = field(default_factory=_losses)
    """How often only the last tier's answer is good."""
    gain: Vector = field(default_factory=lambda: np.full(PER_CENTS, 0.012))
    """How often only the first tier's is."""
    good: Vector = field(default_factory=lambda: 0.93 - 0.25 * _MIDDLE)
    """How often both are, where they agree."""
    price: tuple[float, float] = (0.0004, 0.006)
    """US dollars of one answer, by tier."""
    speed: tuple[float, float] = (0.5, 1.1)
    """Median seconds of an answer, by tier."""
    escalates: Vector = field(default_factory=lambda: 0.02 + 0.06 * _MIDDLE)
    capacity: float = float("inf")
    """Requests a window that the first tier answers at its speed; beyond, it slows down in proportion."""
    down: float = 0.0
    """How many of the first tier's calls fail, so that the last one answers."""
    asked: tuple[float, float] = (0.35, 0.05)
    """How many requests are judged in pairs, by the tier they start at."""
    lost: float = 0.0
    """How many labels never come."""
    paired: bool = True
    """Whether both answers to one request are judged; otherwise only the answer that was served."""
    agreement: float | None = None
    """In place of judgements there is only agreement, with so many false alarms of disagreement."""

    def change(self, **changes: object) -> "World":
        """Return a world that is otherwise the same."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def margin(self, share: float, floor: float) -> float:
        """Return by how much the floor truly holds when this share of the training prompts starts low."""
        low = _below(share)
        good = self.good * (1 - self.loss - self.gain) + self.loss
        return float(self.mix @ (low * (self.gain - self.loss) + (1 - floor) * good))

    def cost(self, share: float) -> float:
        """Return what a request truly costs on average."""
        low = _below(share)
        first, last = self.price
        paid = low * (first + self.escalates * last) + (1 - low) * last
        return float(self.mix @ (paid * (0.6 + 0.8 * _MIDDLE)))

    def late(self, share: float, limit: float) -> float:
        """Return how many requests truly take longer than a limit."""
        low = float(self.mix @ _below(share))
        parts = self._slow(low * self.requests)
        above = [1 - float(np.interp(limit, EDGES, np.cumsum(each)[:-1])) for each in parts]
        return low * above[0] + (1 - low) * above[1]

    def _slow(self, low: float) -> tuple[Vector, Vector]:
        """Return how seconds are spread over the buckets, by start, when so many requests start low."""
        crowded = max(1.0, low / self.capacity)
        return _lognormal(self.speed[0] * crowded), _lognormal(self.speed[1])

    def window(self, share: float, until: float, draw: np.random.Generator, season: float = 1.0) -> Window:
        """Draw a window in which this share of the training prompts starts low."""
        came = draw.poisson(self.requests * season * self.mix)
        low = draw.binomial(came, _below(share))
        starts = np.stack([low, came - low])
        failed = draw.binomial(low, self.down) if self.down else np.zeros_like(low)
        tried = low - failed
        escalated = draw.binomial(tried, self.escalates)
        first, last = self.price
        size = 0.6 + 0.8 * _MIDDLE
        cost = np.stack([(tried * first + (escalated + failed) * last) * size, starts[LAST] * last * size])
        parts = self._slow(float(low.sum()))
        slow = np.stack([draw.multinomial(int(counts.sum()), part) for counts, part in zip(starts, parts, strict=True)])
        seconds = np.stack([starts[start] * self.speed[start] for start in (LOW, LAST)])
        return Window(
            until=until,
            seconds=WINDOW,
            requests=_bands(starts),
            cost=_bands(cost),
            waited=_bands(seconds),
            slow=slow.astype(float),
            edges=EDGES,
            escalated=_bands(escalated),
            labels=self._labels(starts, draw),
            spilled=float(failed.sum()),
        )

    def _labels(self, starts: NDArray[np.integer], draw: np.random.Generator) -> Labels:
        table = np.zeros((len(MEASURES), 4, BANDS))
        for start, rate in zip(starts, self.asked, strict=True):
            looked = draw.binomial(start, rate * (1 - self.lost))
            loss = draw.binomial(looked, self.loss)
            gain = draw.binomial(looked - loss, self.gain / (1 - self.loss))
            both = draw.binomial(looked - loss - gain, self.good)
            if self.agreement is not None:
                apart = loss + gain + draw.binomial(looked - loss - gain, self.agreement)
                found = {"disagreement": apart, "last": loss + both}
            elif self.paired:
                found = {"loss": loss, "gain": gain, "low": gain + both, "last": loss + both}
            else:
                served = start is starts[LOW] or bool((start == starts[LOW]).all())
                found = {"low": gain + both} if served else {"last": loss + both}
            weight = 1 / rate if rate else 0.0
            for name, ones in found.items():
                count, hits = _bands(looked), _bands(ones)
                table[MEASURES.index(name)] += np.stack(
                    [weight * count, weight**2 * count, weight * hits, weight**2 * hits]
                )
        return Labels(table)


def _below(share: float) -> Vector:
    """Which part of every per cent starts low."""
    part: Vector = np.clip(share * PER_CENTS - np.arange(PER_CENTS), 0.0, 1.0)
    return part


def _bands(values: NDArray[np.number]) -> Vector:
    summed: Vector = values.reshape(*values.shape[:-1], BANDS, -1).sum(axis=-1).astype(float)
    return summed


_POINTS: Final = (np.arange(2000) + 0.5) / 2000
_NORMAL: Final = np.sort(np.random.default_rng(0).standard_normal(20_000))[5::10]


@lru_cache(4096)
def _lognormal(median: float) -> Vector:
    """Return how many answers fall into each bucket of seconds."""
    counts = np.histogram(median * np.exp(_SPREAD * _NORMAL), np.concatenate([[0.0], EDGES, [np.inf]]))[0]
    part: Vector = counts / counts.sum()
    return part
