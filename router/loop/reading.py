"""Counters at two moments, and the window of traffic between them.

Differences of raw counters are exact where Prometheus' own `increase` guesses at the edges. A process that was not
there at the beginning is left out, for all that it ever counted would seem to have happened now; a counter that went
down was set back by a restart; a process that is gone took its last counts along: after either, nothing is moved.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from router.arrays import Vector, np
from router.control import BANDS, LAST, LOW, MEASURES, SUMS, Labels, Window
from router.plan import Route

__all__ = ["NAMES", "Key", "Reading", "window"]

_OWN: Final = {
    "router_requests_total": ("start", "tier", "band", "outcome"),
    "router_cost_usd_total": ("start", "kind", "band"),
    "router_escalations_total": ("from_tier", "band"),
    "router_band_seconds_sum": ("start", "band"),
    "router_request_seconds_bucket": ("start", "le"),
    "router_novel_total": (),
    **{f"router_quality_{name}_total": ("start", "band", "measure") for name in SUMS},
}
"""What a window is made of, and the labels that matter."""
NAMES: Final = frozenset(_OWN)
_HOUSE: Final = frozenset({"route", "tier", "deployment", "reason", *(label for own in _OWN.values() for label in own)})
_PAID: Final = frozenset({"served", "escalation", "explore", "judge"})
"""What a request costs that starts there: an exploration's draft that was thrown away would have been anybody's.
Shadows are paid for evidence, wherever a threshold lies."""

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A series: its name and all its labels, sorted."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Every counter that control reads, of one route and of every process, at a moment."""

    at: float
    series: Mapping[Key, float]

    @classmethod
    def of(cls, at: float, samples: Iterable[tuple[str, Mapping[str, str], float]]) -> "Reading":
        """Read samples: name, labels, value."""
        return cls(at, {(name, tuple(sorted(labels.items()))): value for name, labels, value in samples})

    @property
    def processes(self) -> frozenset[tuple[tuple[str, str], ...]]:
        """Who counted: the labels that are not ours (instance, job, pod …)."""
        return frozenset(_process(key) for key in self.series)


def window(route: Route, before: Reading, after: Reading, gap: str = "") -> Window:
    """Return what happened between two readings.

    Args:
        route: whose.
        before: the counters at the beginning.
        after: and at the end.
        gap: why what lies between is not known well enough, where that is known already.
    """
    seconds = after.at - before.at
    if not after.series:
        return Window.empty(after.at, seconds, "there are no measurements of this route")
    if not before.series:
        return Window.empty(after.at, seconds, "there are no earlier measurements to compare with")
    old = before.processes
    if gone := old - after.processes:
        gap = gap or f"{len(gone)} of {len(old)} processes cannot be seen any more"
    grown: list[tuple[Key, float]] = []
    for key, value in after.series.items():
        if _process(key) not in old:
            continue
        by = value - before.series.get(key, 0.0)
        if by < 0:
            gap = gap or "a process restarted: a counter was set back"
        else:
            grown.append((key, by))
    return _made(route, grown, after.at, seconds, gap)


def _process(key: Key) -> tuple[tuple[str, str], ...]:
    return tuple(label for label in key[1] if label[0] not in _HOUSE)


@dataclass(slots=True)
class _Sheet:
    """A window in the making."""

    requests: Vector
    cost: Vector
    waited: Vector
    escalated: Vector
    table: Vector
    slow: tuple[dict[float, float], dict[float, float]]
    spilled: float = 0.0
    failed: float = 0.0
    novel: float = 0.0


def _made(route: Route, grown: list[tuple[Key, float]], until: float, seconds: float, gap: str) -> Window:
    first, last = route.cascade[0].tier.name, route.cascade[-1].tier.name
    none = np.zeros((2, BANDS))
    table = np.zeros((len(MEASURES), len(SUMS), BANDS))
    sheet = _Sheet(none.copy(), none.copy(), none.copy(), np.zeros(BANDS), table, ({}, {}))
    for (name, pairs), by in grown:
        labels = dict(pairs)
        if name.startswith("router_quality_"):
            _learn(sheet, name, labels, by, (first, last))
        else:
            _count(sheet, name, labels, by, first)
    edges, slow = _histograms(sheet.slow)
    return Window(
        until=until,
        seconds=seconds,
        requests=sheet.requests,
        cost=sheet.cost,
        waited=sheet.waited,
        slow=slow,
        edges=edges,
        escalated=sheet.escalated,
        labels=Labels(sheet.table),
        spilled=max(0.0, sheet.spilled - float(sheet.escalated.sum())),
        failed=sheet.failed,
        novel=sheet.novel,
        gap=gap,
    )


def _count(sheet: _Sheet, name: str, labels: Mapping[str, str], by: float, first: str) -> None:
    """Put one counter of traffic where it belongs."""
    band, start = _band(labels), LOW if labels.get("start") == first else LAST
    if band is not None:
        _count_band(sheet, (name, labels), by, start=start, band=band, first=first)
    elif name == "router_novel_total":
        sheet.novel += by
    elif name == "router_request_seconds_bucket" and labels.get("start"):  # not what was answered from memory
        buckets, edge = sheet.slow[start], float(labels.get("le", "nan"))
        buckets[edge] = buckets.get(edge, 0.0) + by


def _count_band(
    sheet: _Sheet, what: tuple[str, Mapping[str, str]], by: float, *, start: int, band: int, first: str
) -> None:
    """The like for one that knows its band."""
    name, labels = what
    if name == "router_requests_total":
        sheet.requests[start, band] += by
        failed = labels.get("outcome") in {"error", "broken"}
        sheet.failed += by if failed else 0.0
        sheet.spilled += by if start == LOW and not failed and labels.get("tier") != first else 0.0
    elif name == "router_cost_usd_total" and labels.get("kind") in _PAID:
        sheet.cost[start, band] += by
    elif name == "router_band_seconds_sum":
        sheet.waited[start, band] += by
    elif name == "router_escalations_total" and labels.get("from_tier") == first:
        sheet.escalated[band] += by


def _learn(sheet: _Sheet, name: str, labels: Mapping[str, str], by: float, tiers: tuple[str, str]) -> None:
    """Put one counter of judged answers where it belongs; those of tiers in between are not asked for."""
    band, start, measure = _band(labels), labels.get("start"), labels.get("measure", "")
    if measure == "quality":
        measure = {tiers[0]: "low", tiers[1]: "last"}.get(start or "", "")
    elif start != tiers[0]:
        return
    if band is None or measure not in MEASURES:
        return
    which = name.removeprefix("router_quality_").removesuffix("_total")
    sheet.table[MEASURES.index(measure), SUMS.index(which), band] += by


def _band(labels: Mapping[str, str]) -> int | None:
    said = labels.get("band", "")
    return int(said) if said.isascii() and said.isdigit() and int(said) < BANDS else None


def _histograms(slow: tuple[dict[float, float], dict[float, float]]) -> tuple[Vector, Vector]:
    """Return the edges of the buckets, and for each start how many requests fell into each."""
    edges = sorted({edge for buckets in slow for edge in buckets if edge < float("inf")})
    if not edges:
        return np.zeros(1), np.zeros((2, 2))
    counts = []
    for buckets in slow:
        up_to = np.maximum.accumulate([buckets.get(edge, 0.0) for edge in (*edges, float("inf"))])
        counts.append(np.diff(up_to, prepend=0.0))
    return np.array(edges), np.stack(counts)
