"""What routing was worth: quality, cost and time of a demo run, next to asking only one of the tiers."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from router.chat import Usage
from router.demo.answers import Answer
from router.demo.grading import grade
from router.demo.overhead import Overhead, percentile
from router.demo.recorded import RecordedAnswers
from router.demo.rendering import count_usage
from router.demo.run import Served
from router.demo.workload import Row
from router.pricing import Price, cost
from router.upstream.failure import is_failure

__all__ = ["DemoReport", "Task", "summarise"]


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of task within a run."""

    task: str
    requests: int
    tiers: Mapping[str, int]
    quality: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """One run; `dataclasses.asdict` of it is the document that `--json` prints.

    `quality` and `cost_usd` have the keys `served` and, for every tier, `all_<tier>`: what that tier alone would have
    reached on the same requests, by the same arithmetic.
    """

    requests: int
    errors: int
    tiers: Mapping[str, int]
    """How many requests each tier answered."""
    quality: Mapping[str, float | None]
    """Mean recorded score over the requests whose score is known for every tier, or None; an error scores 0."""
    cost_usd: Mapping[str, float | None]
    """Tokens as the answers count them, times the policy's prices; None where a price or a usage is unknown."""
    overhead_ms: Mapping[str, float]
    latency_ms: Mapping[str, Mapping[str, float]]
    """By the tier that answered, whole answers and streams to their end, as the customer's client saw it."""
    graded_again: float | None
    """Mean score of what the client read, graded again, over the rows that carry a rule; None where none does."""
    streamed: int
    escalations: int
    fallbacks: int
    tasks: tuple[Task, ...]
    faults: tuple[str, ...]
    """What went wrong, each kind once."""


def summarise(served: Sequence[Served], prices: Mapping[str, Price | None], overhead: Overhead) -> DemoReport:
    """Add a run up; `prices` has every tier of the cascade, cheapest first."""
    rows = [one.row for one in served]
    steps = [(one, verdict) for one in served for _tier, verdict in one.path[:-1]]
    failed = sum(is_failure(verdict) for _, verdict in steps)
    return DemoReport(
        requests=len(served),
        errors=sum(one.error is not None for one in served),
        tiers=_tiers(served, prices),
        quality=_quality(served, prices),
        cost_usd=_costs(served, rows, prices),
        overhead_ms={"p50": round(overhead.p50, 3), "p99": round(overhead.p99, 3)},
        latency_ms={tier: _latency(served, tier) for tier in prices},
        graded_again=_mean(_graded(one) for one in served if one.row.expected is not None),
        streamed=sum(one.stream for one in served),
        escalations=len(steps) - failed,
        fallbacks=failed,
        tasks=_tasks(served, prices),
        faults=tuple(sorted({one.error for one in served if one.error is not None})),
    )


def _tasks(served: Sequence[Served], tiers: Collection[str]) -> tuple[Task, ...]:
    names = dict.fromkeys(one.row.task for one in served)
    groups = {name: [one for one in served if one.row.task == name] for name in sorted(names)}
    return tuple(Task(name, len(group), _tiers(group, tiers), _quality(group, tiers)) for name, group in groups.items())


def _tiers(served: Sequence[Served], tiers: Collection[str]) -> dict[str, int]:
    counts = Counter(one.tier for one in served if one.tier is not None)
    return {**dict.fromkeys(tiers, 0), **counts}


def _quality(served: Sequence[Served], tiers: Collection[str]) -> dict[str, float | None]:
    """Every column over the same requests, or they could not be compared."""
    known = [one for one in served if all(tier in one.row.outcomes for tier in (*tiers, one.tier or next(iter(tiers))))]
    got = (one.row.outcomes[one.tier].score if one.tier else 0.0 for one in known)
    alone = {f"all_{tier}": _mean(one.row.outcomes[tier].score for one in known) for tier in tiers}
    return {"served": _mean(got), **alone}


def _costs(
    served: Sequence[Served], rows: Sequence[Row], prices: Mapping[str, Price | None]
) -> dict[str, float | None]:
    answers = {tier: RecordedAnswers(rows, tier) for tier in prices}
    alone = {
        f"all_{tier}": _sum(cost(price, _usage(answers[tier].to(row.messages), row)) for row in rows)
        for tier, price in prices.items()
    }
    return {"served": _sum(part for one in served for part in _paid(one, prices, answers)), **alone}


def _paid(
    one: Served, prices: Mapping[str, Price | None], answers: Mapping[str, RecordedAnswers]
) -> Iterable[float | None]:
    """What every answer to this request cost: the one served, and those before it that were not good enough."""
    for tier, verdict in one.path[:-1]:
        if not is_failure(verdict):
            yield cost(prices.get(tier), _usage(answers[tier].to(one.row.messages), one.row))
    if one.tier is not None:
        yield cost(prices.get(one.tier), one.reading.usage)


def _usage(answer: Answer, row: Row) -> Usage:
    counted = count_usage(answer, {"messages": row.messages, **row.request})
    return Usage(input=counted["prompt_tokens"], output=counted["completion_tokens"])


def _graded(one: Served) -> float:
    return 0.0 if one.error else grade(one.row.expected or {}, one.reading.text, one.reading.tool_calls)


def _latency(served: Sequence[Served], tier: str) -> dict[str, float]:
    seconds = [one.seconds for one in served if one.tier == tier]
    return {name: round(1000 * percentile(seconds, at), 3) for name, at in (("p50", 0.50), ("p99", 0.99))}


def _mean(values: Iterable[float]) -> float | None:
    """To six digits, which is more than any sample here can tell apart."""
    listed = list(values)
    return round(fmean(listed), 6) if listed else None


def _sum(values: Iterable[float | None]) -> float | None:
    listed = list(values)
    known = [value for value in listed if value is not None]
    return round(sum(known), 9) if len(known) == len(listed) else None
