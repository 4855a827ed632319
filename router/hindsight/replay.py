"""What another policy, or another threshold, would have done on recorded traffic: cost, quality, escalations, time.

Where a request would have started is decided anew from its recorded difficulties and the other policy's thresholds and
scope; with `content` in the records its difficulty is estimated anew too, by the other policy's model. What something
else decided (a rule, a client, a pin, what a tier cannot do) starts where it did: headers and keys are not recorded.
What would have come of it is estimated by `counterfactual`, which says how much of that is known.

A shadow saw what another tier would have said to the very same request. Where there are enough of them for the requests
that would start elsewhere, quality needs neither exploration nor propensities.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from router.chat import ChatRequest
from router.difficulty import Estimate as Difficulty
from router.difficulty.estimate import band_of
from router.hindsight.counterfactual import LEAST, Sample, estimate
from router.hindsight.traffic import Traffic
from router.plan import Plan, Route
from router.records import RecordsError
from router.records.facts import Fact, scores
from router.signals import read as signals_of

__all__ = ["replay"]

Vector = NDArray[np.float64]

_MOVABLE: Final = frozenset({"easy", "hard", "explore", "novel", "cost"})
"""Reasons of a start that a threshold or a scope decided."""
_POINTS: Final = 21
_STEPS: Final = 1000
"""Thresholds of the sweep are so many to 1."""
_MOST: Final = 1_000_000
"""Requests of a route that are looked at: of more, the last."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One recorded request, as far as a replay needs it."""

    band: int
    started: int
    movable: bool
    propensity: float
    difficulty: tuple[float, ...]
    novelty: float | None
    cost: float
    baseline: float
    seconds: float
    escalated: float
    served: str
    facts: Mapping[str, Fact]
    """How good each tier's answer is, as far as anybody knows."""
    alike: Mapping[str, Fact]
    """How far each tier's answer is the last tier's."""


def replay(traffic: Traffic, plan: Plan, only: str | None = None, *, confidence: float = 0.95) -> dict[str, Any]:
    """Return what a policy would have done with recorded requests, by route, ready for JSON.

    Args:
        traffic: what was recorded.
        plan: the other policy.
        only: one route; None for all.
        confidence: of the intervals.

    Raises:
        RecordsError: there are no requests of such a route.
    """
    later = traffic.later()
    rows: dict[str, list[_Row]] = {}
    left: Counter[str] = Counter()
    sources: dict[str, Counter[str]] = {}
    for record in traffic.outcomes():
        route = plan.routes.get(record["route"] or "")
        if route is None or route.kind != "route" or len(route.cascade) == 1 or (only and route.name != only):
            continue
        facts = later.facts.get(record["id"], ())
        if (row := _row(record, route, facts)) is None:
            left[route.name] += 1
            continue
        kept = rows.setdefault(route.name, [])
        kept.append(row)
        sources.setdefault(route.name, Counter()).update({fact.source for fact in row.facts.values()})
    if not rows:
        raise RecordsError(
            f"no recorded requests of {f'route {only!r}' if only else 'a route with more than one tier'}"
        )
    return {
        "policy": plan.version,
        "confidence": confidence,
        "routes": {
            name: {
                "requests": len(found),
                "left_out": left[name],
                "quality_from": dict(sources[name]),
                **_route(plan.routes[name], found[-_MOST:], confidence),
            }
            for name, found in rows.items()
        },
    }


def _row(record: Mapping[str, Any], route: Route, told: Sequence[Fact]) -> _Row | None:
    """A record as a row; None when nothing was decided or answered, or by a cascade of other tiers."""
    names = [rung.tier.name for rung in route.cascade]
    if record["start"] not in names or record["end"] != "ok" or record.get("cache") in {"hit", "joined"}:
        return None
    anew = _anew(record, route)
    known = record["difficulties"] or {}
    if anew is None and set(names) != set(known):
        return None
    difficulty = anew.difficulty if anew else tuple(known[name] for name in names)
    return _Row(
        anew.band if anew else record["band"] if record["band"] is not None else band_of(difficulty[0], _EVEN),
        names.index(record["start"]),
        record["reason"] in _MOVABLE,
        record["propensity"] or 1.0,
        difficulty,
        anew.novelty if anew else record["novelty"],
        np.nan if record["cost"] is None else record["cost"],
        np.nan if record["baseline"] is None else record["baseline"],
        record["seconds"],
        float(any(attempt["result"] == "escalated" for attempt in record["attempts"])),
        record["tier"],
        scores(told, record["tier"], names[-1]),
        scores(told, record["tier"], names[-1], "agreement"),
    )


_EVEN: Final = tuple(edge / 10 for edge in range(1, 10))


def _anew(record: Mapping[str, Any], route: Route) -> Difficulty | None:
    """What this route's model says of a request whose content was kept."""
    content = record.get("content")
    if not content or route.estimate is None:
        return None
    request = ChatRequest({"model": route.name, **content["request"]}, route.name)
    return route.estimate(request, signals_of(request))


def _route(route: Route, rows: Sequence[_Row], confidence: float) -> dict[str, Any]:
    """What this route would have done, and would do at other thresholds of its first tier."""
    below = [rung.below for rung in route.cascade[:-1]]
    table = _Table(rows, [rung.tier.name for rung in route.cascade])
    return {
        "thresholds": dict(zip((rung.tier.name for rung in route.cascade), below, strict=False)),
        "recorded": table.measured(table.started, confidence),
        "replayed": table.measured(table.wanted(below, route.scope), confidence),
        "sweep": [
            {"threshold": one, **table.measured(table.wanted([one, *below[1:]], route.scope), confidence)}
            for one in _swept([row.difficulty[0] for row in rows])
        ],
    }


def _swept(difficulties: Sequence[float]) -> list[float]:
    """Thresholds, as short as people write them, from the one that nobody starts below to the one that all do.

    Between them they start about equally many more each; one that starts nobody else is left out.
    """
    ordered = np.sort(difficulties)
    most = min(1.0, (np.floor(ordered[-1] * _STEPS) + 1) / _STEPS)
    inner = np.ceil(np.quantile(ordered, np.linspace(0, 1, _POINTS)[1:-1]) * _STEPS) / _STEPS
    points = {int(np.searchsorted(ordered, at)): float(at) for at in (most, *inner[::-1], 0.0)}
    return [points[started] for started in sorted(points)]


class _Table:
    """Rows as columns."""

    def __init__(self, rows: Sequence[_Row], names: Sequence[str]) -> None:
        self._rows = rows
        self._names = names
        self.started = np.array([row.started for row in rows])
        self._band = np.array([row.band for row in rows])
        self._propensity = np.array([row.propensity for row in rows])
        self._ones = np.ones(len(rows))
        self._cost = np.array([row.cost for row in rows])
        self._baseline = np.array([row.baseline for row in rows])
        self._seconds = np.array([row.seconds for row in rows])
        self._escalated = np.array([row.escalated for row in rows])
        self._difficulty = np.array([row.difficulty for row in rows])
        self._movable = np.array([row.movable for row in rows])
        self._novelty = np.array([np.nan if row.novelty is None else row.novelty for row in rows])

    def wanted(self, below: Sequence[float], scope: float | None) -> NDArray[np.int64]:
        """Where requests start under these thresholds and this scope."""
        last = len(self._names) - 1
        chosen = np.full(len(self._rows), last)
        for place in reversed(range(last)):
            chosen[self._difficulty[:, place] < below[place]] = place
        if scope is not None:
            chosen[self._novelty > scope] = last
        return np.where(self._movable, chosen, self.started)

    def measured(self, wanted: NDArray[np.int64], confidence: float) -> dict[str, Any]:
        """Every measure, were these the starts."""
        last = len(self._names) - 1
        highest = wanted == last, self.started == last
        priced = [np.where(there, self._baseline, np.nan) for there in highest]
        never = [np.where(there, 0.0, np.nan) for there in highest]
        always = [np.where(there, 1.0, np.nan) for there in highest]
        made = {
            "cost_usd": self._sample(wanted, self._cost, *priced),
            "escalation_rate": self._sample(wanted, self._escalated, *never, bounded=True),
            "seconds": self._sample(wanted, self._seconds),
            "quality": self._scored(wanted, [row.facts for row in self._rows]),
            "agreement": self._scored(wanted, [row.alike for row in self._rows], *always, judges_tiers=True),
        }
        shares = {name: float((wanted == place).mean()) for place, name in enumerate(self._names)}
        return {"starts": shares, **{name: asdict(estimate(one, confidence=confidence)) for name, one in made.items()}}

    def _sample(
        self,
        wanted: NDArray[np.int64],
        value: Vector,
        predicted: Vector | None = None,
        had: Vector | None = None,
        *,
        bounded: bool = False,
    ) -> Sample:
        return Sample(
            self._band,
            self.started,
            wanted,
            self._propensity,
            value,
            self._ones,
            predicted,
            had,
            trusted=predicted is not None,
            bounded=bounded,
        )

    def _scored(
        self,
        wanted: NDArray[np.int64],
        known: Sequence[Mapping[str, Fact]],
        predicted: Vector | None = None,
        had: Vector | None = None,
        *,
        judges_tiers: bool = False,
    ) -> Sample:
        """Scores of what was served; where shadows say enough about other starts, of what those would have got.

        With `judges_tiers` a score is that of the tier where the request starts, whoever served it in the end.
        """
        names = [self._names[place] for place in wanted.tolist()]
        moved = self.started != wanted
        beside = [facts.get(name) for facts, name in zip(known, names, strict=True)]
        shadowed = sum(fact is not None for fact, other in zip(beside, moved, strict=True) if other) >= LEAST
        own = [facts.get(row.served) for facts, row in zip(known, self._rows, strict=True)]
        facts = [
            other if judges_tiers or (shadowed and elsewhere) else mine
            for mine, other, elsewhere in zip(own, beside, moved, strict=True)
        ]
        return Sample(
            self._band,
            wanted if shadowed else self.started,
            wanted,
            self._ones if shadowed else self._propensity,
            np.array([np.nan if fact is None else fact.given for fact in facts]),
            np.array([_looked(fact, row) for fact, row in zip(facts, self._rows, strict=True)]),
            predicted,
            had,
            trusted=predicted is not None,
            bounded=True,
        )


def _looked(fact: Fact | None, row: _Row) -> float:
    """One over the probability of having been looked at; evidence carries that of the start too, which is taken off."""
    if fact is None or fact.weight == 1.0:
        return 1.0
    return max(1.0, fact.weight * row.propensity)
