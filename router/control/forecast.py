"""What a threshold would cost, how slow and how often escalated it would be: from what each start costs in each band.

A start that was not seen in a band is taken to be as in the nearest band where it was: what moves is the traffic next
to the threshold, and its neighbours are known best. Shares of bands are those of seven days, so that a quiet weekend is
not mistaken for a success. Latency has no band in its histogram: the histograms of the two starts are mixed, each
stretched by how much slower or faster its new mixture of bands is on average.
"""

from dataclasses import dataclass
from typing import Final

from router.arrays import Vector, np
from router.control.labels import BANDS
from router.control.window import LAST, LOW, Window

__all__ = ["Forecast", "Rates", "forecast", "rates"]

P95: Final = 0.95
_CHEAPER: Final = 0.5
"""What the first tier is taken to cost of the last one's price as long as nobody has ever asked it: it comes first."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one request comes to, by start and band."""

    cost: Vector
    seconds: Vector
    escalated: Vector
    """By band: of those that start at the first tier."""
    eligible: float
    """Of the requests below the threshold, how many do start at the first tier: rules and novelty take some."""
    priced: bool
    """Whether anything had a known price."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What to expect of each candidate."""

    share: Vector
    """Of traffic that starts at the first tier."""
    cost: Vector
    """US dollars a request."""
    late: Vector
    """The share of requests that would take longer than the limit; zeros without one."""
    escalated: Vector
    """Of the requests that start at the first tier."""


def rates(window: Window, before: Vector, at: Vector) -> Rates:
    """Return what requests come to.

    Args:
        window: what was measured.
        before: requests and cost (start, band) of a longer time, for a start that this window has not seen.
        at: the share of every band below the threshold in force.
    """
    requests, cost = window.requests, window.cost
    for start in (LOW, LAST):
        if not requests[start].any() and before[0, start].any():
            requests, cost = _replaced(requests, before[0], start), _replaced(cost, before[1], start)
    per = np.stack([_filled(cost[start], requests[start]) for start in (LOW, LAST)])
    if not requests[LOW].any():
        per[LOW] = per[LAST] * _CHEAPER
    if not requests[LAST].any():
        per[LAST] = per[LOW] / _CHEAPER
    should = float((window.requests.sum(axis=0) * at).sum())
    return Rates(
        cost=per,
        seconds=np.stack([_filled(window.waited[start], window.requests[start]) for start in (LOW, LAST)]),
        escalated=np.minimum(_filled(window.escalated, window.requests[LOW]), 1.0),
        eligible=min(1.0, float(window.requests[LOW].sum()) / should) if should > 0 else 1.0,
        priced=bool(cost.sum() > 0),
    )


def forecast(known: Rates, window: Window, mix: Vector, below: Vector, limit: float | None) -> Forecast:
    """Say what each candidate comes to.

    Args:
        known: what requests come to.
        window: what was measured, for its latencies.
        mix: the share of traffic in each band.
        below: for each candidate, and the threshold in force as the last, the share of every band below it.
        limit: what latency is compared with, in seconds.
    """
    low = below * mix * known.eligible
    high = mix - low
    share = low.sum(axis=-1)
    cost = low @ known.cost[LOW] + high @ known.cost[LAST]
    escalated = np.divide(low @ known.escalated, share, out=np.zeros(len(below)), where=share > 0)
    late = _late(known, window, (low, high), limit) if limit is not None else np.zeros(len(below))
    return Forecast(share, cost, late, escalated)


def _late(known: Rates, window: Window, parts: tuple[Vector, Vector], limit: float) -> Vector:
    """Return the share of requests that take longer than the limit."""
    late = np.zeros(len(parts[0]))
    for start, part in ((LOW, parts[LOW]), (LAST, parts[LAST])):
        counts = window.slow[start] if window.slow[start].any() else window.slow.sum(axis=0)
        mean = np.divide(
            part @ known.seconds[start], part.sum(axis=-1), out=np.zeros(len(part)), where=part.sum(-1) > 0
        )
        now = mean[-1] if mean[-1] > 0 else _mean(known.seconds[start], window.requests[start])
        stretched = limit * np.where((mean > 0) & (now > 0), now / np.where(mean > 0, mean, 1.0), 1.0)
        late += part.sum(axis=-1) * slower(counts, window.edges, stretched)
    return late


def slower(counts: Vector, edges: Vector, limits: Vector) -> Vector:
    """Return the share of a histogram above each limit, on straight lines inside a bucket."""
    if not counts.sum():
        return np.zeros(len(limits))
    reached = np.concatenate([[0.0], np.cumsum(counts[:-1])]) / counts.sum()
    share: Vector = 1.0 - np.interp(limits, np.concatenate([[0.0], edges]), reached)
    return share


def percentile(counts: Vector, edges: Vector, part: float = P95) -> float | None:
    """Return the seconds below which this part of a histogram lies; None for an empty one."""
    if not counts.sum():
        return None
    reached = np.concatenate([[0.0], np.cumsum(counts[:-1])]) / counts.sum()
    return float(np.interp(part, reached, np.concatenate([[0.0], edges])))


def _replaced(now: Vector, longer: Vector, start: int) -> Vector:
    mended = now.copy()
    mended[start] = longer[start]
    return mended


def _mean(seconds: Vector, requests: Vector) -> float:
    return float(seconds @ requests / requests.sum()) if requests.any() else 0.0


def _filled(total: Vector, count: Vector) -> Vector:
    """Return totals per count, with the nearest known band's where there is none; zeros when nothing is known."""
    known = np.flatnonzero(count > 0)
    if not len(known):
        return np.zeros(BANDS)
    nearest = known[np.abs(np.arange(BANDS)[:, None] - known[None, :]).argmin(axis=1)]
    filled: Vector = total[nearest] / count[nearest]
    return filled
