"""A report adds up: the same arithmetic for what was served and for what either tier alone would have been."""

from dataclasses import asdict, replace

import orjson
import pytest

from router.chat import Usage
from router.demo.overhead import Overhead
from router.demo.report import DemoReport, summarise
from router.demo.run import Reading, Served
from router.demo.workload import Recorded, Row
from router.pricing import Price

PRICES: dict[str, Price | None] = {"tuned": Price(1, 10), "frontier": Price(100, 1000)}
ADDED = Overhead(p50=0.1, p99=0.4)


def row(name: str, tuned: float, frontier: float, task: str = "t") -> Row:
    """Two input tokens; the tuned tier says one token, the frontier three."""
    messages = ({"role": "user", "content": "asked" + name},)
    outcomes = {"tuned": Recorded(tuned, "four"), "frontier": Recorded(frontier, "four" * 3)}
    return Row(name, task, messages, outcomes, expected={"exact": "four"})


def served(row: Row, tier: str, *before: str, seconds: float = 0.01) -> Served:
    answer = row.outcomes[tier].answer or ""
    path = ",".join([*before, f"{tier}:ok"])
    reading = Reading(answer, usage=Usage(2, 1 if tier == "tuned" else 3))
    return Served(row, False, seconds, reading, {"x-router-tier": tier, "x-router-path": path})  # noqa: FBT003


def reported(*all_served: Served) -> DemoReport:
    return summarise(all_served, PRICES, ADDED)


def test_quality_is_the_recorded_score_of_the_tier_that_answered() -> None:
    report = reported(
        served(row("a", 1, 1), "tuned"), served(row("b", 0, 1), "frontier"), served(row("c", 1, 0), "frontier")
    )
    assert report.tiers == {"tuned": 1, "frontier": 2}
    assert report.quality == pytest.approx({"served": 2 / 3, "all_tuned": 2 / 3, "all_frontier": 2 / 3}, abs=1e-6)


def test_serving_only_one_tier_costs_what_its_column_says() -> None:
    rows = [row("a", 1, 1), row("b", 0, 1)]
    for tier in PRICES:
        costs = reported(*(served(each, tier) for each in rows)).cost_usd
        assert costs["served"] == costs[f"all_{tier}"]
        assert (costs["all_tuned"], costs["all_frontier"]) == pytest.approx((24e-6, 6400e-6))


def test_an_escalation_pays_twice_and_a_fallback_once() -> None:
    once = reported(served(row("a", 0, 1), "frontier"))
    escalated = reported(served(row("a", 0, 1), "frontier", "tuned:truncated"))
    fallen = reported(served(row("a", 0, 1), "frontier", "tuned:timeout", "tuned:cost"))
    assert (escalated.escalations, escalated.fallbacks) == (1, 0)
    assert (fallen.escalations, fallen.fallbacks) == (0, 2)
    assert escalated.cost_usd["served"] == pytest.approx((once.cost_usd["served"] or 0) + 12e-6)
    assert fallen.cost_usd["served"] == once.cost_usd["served"]


def test_an_error_scores_nothing_and_is_named_once() -> None:
    failed = Served(row("a", 1, 1), stream=True, seconds=1, error="503: busy")
    report = reported(failed, replace(failed, row=row("b", 1, 1)), served(row("c", 1, 1), "tuned"))
    assert (report.requests, report.errors, report.streamed, report.faults) == (3, 2, 2, ("503: busy",))
    assert report.quality["served"] == pytest.approx(1 / 3, abs=1e-6)
    assert report.graded_again == pytest.approx(1 / 3, abs=1e-6)


def test_what_arrived_is_graded_again() -> None:
    right, wrong = served(row("a", 1, 0), "tuned"), served(row("b", 1, 0), "frontier")
    assert reported(right, wrong).graded_again == 0.5
    assert reported(replace(right, row=replace(right.row, expected=None))).graded_again is None


def test_unknown_stays_unknown() -> None:
    one = served(row("a", 1, 1), "tuned")
    no_price = summarise([one], {"tuned": None, "frontier": Price(1, 1)}, ADDED)
    assert (no_price.cost_usd["served"], no_price.cost_usd["all_tuned"]) == (None, None)
    assert no_price.cost_usd["all_frontier"] is not None
    assert reported(replace(one, reading=Reading("four"))).cost_usd["served"] is None
    unscored = replace(one.row, outcomes={"tuned": Recorded(1)})
    assert reported(replace(one, row=unscored)).quality["served"] is None


def test_tasks_are_reported_one_by_one() -> None:
    report = reported(served(row("a", 1, 1, "x"), "tuned"), served(row("b", 0, 1, "y"), "frontier"))
    assert [(task.task, task.requests, task.tiers["tuned"], task.quality["served"]) for task in report.tasks] == [
        ("x", 1, 1, 1.0),
        ("y", 1, 0, 1.0),
    ]


def test_latency_belongs_to_the_tier_that_answered() -> None:
    report = reported(served(row("a", 1, 1), "tuned", seconds=0.02), served(row("b", 1, 1), "tuned", seconds=0.04))
    assert report.latency_ms == {"tuned": {"p50": 20.0, "p99": 40.0}, "frontier": {"p50": 0.0, "p99": 0.0}}


def test_the_document_has_the_fields_that_other_programs_read() -> None:
    document = orjson.loads(orjson.dumps(asdict(reported(served(row("a", 1, 1), "tuned")))))
    assert {"requests", "errors", "tiers", "quality", "cost_usd", "overhead_ms"} <= set(document)
    assert set(document["quality"]) == set(document["cost_usd"]) == {"served", "all_tuned", "all_frontier"}
    assert document["overhead_ms"] == {"p50": 0.1, "p99": 0.4}
