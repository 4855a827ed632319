"""A ledger that survives a finance review."""

from pathlib import Path
from typing import Any

import pytest

from router.hindsight.savings import savings
from tests.hindsight.lines import answered, aside, embedded, recorded
from tests.plans import TWO_TIERS, plan
from tests.records.made import NOON

PLAN = plan(TWO_TIERS.replace("price: {input: 10, output: 10}", "price: {input: 10, output: 20, cached_input: 1}"))


def ledger(folder: Path, *records: dict[str, Any]) -> dict[str, Any]:
    return savings(recorded(folder, records), PLAN)


def test_everything_that_was_spent_is_taken_off(tmp_path: Path) -> None:
    wasted = {**answered(0)["attempts"][0], "result": "escalated", "verdict": "refused", "cost": 0.0003}
    escalated = answered(1, "frontier", 0.004, start="tuned", reason="easy")
    explored = answered(2, "frontier", 0.004, start="tuned", reason="explore")
    for record in (escalated, explored):
        record["attempts"].insert(0, wasted)

    told = ledger(tmp_path, answered(0), escalated, explored, aside(0), aside(0, "judge", cost=0.0005))

    spent = {"served": 0.009, "escalation": 0.0003, "explore": 0.0003, "shadow": 0.0025, "judge": 0, "idle": 0}
    assert told["spent_usd"] == pytest.approx(spent)
    assert told["baseline_usd"] == pytest.approx(0.004 + 0.004 + (100 * 1 + 50 * 20) / 1e6)
    assert told["net_usd"] == pytest.approx(told["baseline_usd"] - sum(spent.values()))
    assert told["interval_usd"][0] <= told["net_usd"] <= told["interval_usd"][1]


def test_embeddings_are_neither_spent_nor_saved(tmp_path: Path) -> None:
    chats = [answered(0), answered(1, "frontier", 0.004), aside(0)]

    assert ledger(tmp_path / "both", *chats, embedded(0), embedded(1)) == ledger(tmp_path / "chats", *chats)


def test_unknown_is_counted_and_stands_on_neither_side(tmp_path: Path) -> None:
    told = ledger(tmp_path, answered(0), answered(1, cost=None), answered(2, signals=None))

    route = told["routes"]["auto"]
    assert (route["answered"], route["unknown"]) == (1, 2)
    assert route["spent_usd"]["served"] == 0.001


def test_errors_cost_and_save_nothing_and_caches_are_not_routing(tmp_path: Path) -> None:
    left = answered(0, end="left")
    left["attempts"][0]["result"] = "left"
    failed = answered(1, end="error", status=502)
    failed["attempts"][0] |= {"result": "failed", "cost": None}
    hit = answered(2, cache="hit", attempts=[])

    route = ledger(tmp_path, left, failed, hit, answered(3))["routes"]["auto"]

    assert (route["requests"], route["answered"], route["unanswered"], route["cached"]) == (4, 1, 2, 1)
    assert route["spent_usd"]["served"] == 0.002


def test_the_last_tiers_answers_are_as_long_as_its_shadows_say(tmp_path: Path) -> None:
    few = [record for number in range(19) for record in (answered(number), aside(number, output=100))]
    more = [answered(19), aside(19, output=100, cost=None)]

    assert ledger(tmp_path / "few", *few)["routes"]["auto"]["made"]["output_ratio"] == 1.0
    made = ledger(tmp_path / "more", *few, *more)["routes"]["auto"]["made"]
    assert (made["output_ratio"], made["output_from"], made["unknown_asides"]) == (2.0, "shadows", 1)


def test_hosts_are_paid_by_the_hour_busy_or_not(tmp_path: Path) -> None:
    plans = [
        {"kind": "plan", "time": NOON + 3600, "policy": "a", "per_hour": {"small": 2.0}},
        {"kind": "plan", "time": NOON + 5 * 3600, "policy": "b", "per_hour": {}},
        {"kind": "plan", "time": NOON + 7 * 3600, "policy": "c", "per_hour": {"small": 1.0, "other": 4.0}},
    ]

    told = ledger(tmp_path, answered(0), *plans, answered(8 * 3600 - 1))

    assert told["hosts"] == {"small": {"hours": 6.0, "usd": 11.0}, "other": {"hours": 1.0, "usd": 4.0}}
    assert told["spent_usd"]["idle"] == 15.0


def test_without_a_recorded_policy_the_one_that_is_asked_with_says_what_hosts_cost(tmp_path: Path) -> None:
    hosted = plan(TWO_TIERS.replace("price: {input: 1, output: 1}", "price: {per_hour: 2}"))

    told = savings(recorded(tmp_path, [answered(0), answered(3599)]), hosted)

    assert told["hosts"] == {"small": {"hours": 1.0, "usd": 2.0}}


def test_a_route_without_a_choice_has_no_ledger(tmp_path: Path) -> None:
    assert ledger(tmp_path, answered(0, route="tuned"), answered(1, route=None))["routes"] == {}


def test_an_unknown_price_of_the_last_tier_leaves_only_what_it_answered(tmp_path: Path) -> None:
    free = plan(TWO_TIERS.replace("price: {input: 10, output: 10}", "labels: {}"))

    route = savings(recorded(tmp_path, [answered(0), answered(1, "frontier", 0.5)]), free)["routes"]["auto"]

    assert (route["answered"], route["unknown"], route["baseline_usd"], route["made"]["price"]) == (1, 1, 0.5, None)


def test_a_judge_before_the_client_is_paid_too(tmp_path: Path) -> None:
    told = ledger(tmp_path, answered(0, judged=0.003), answered(1, judged=None))
    assert told["spent_usd"]["judge"] == pytest.approx(0.003)
    assert told["routes"]["auto"]["unknown"] == 1


def test_a_draft_that_nobody_had_a_better_answer_than_has_a_baseline(tmp_path: Path) -> None:
    drafted = answered(0)
    drafted["attempts"].append({**drafted["attempts"][0], "tier": "frontier", "result": "failed", "cost": None})
    told = ledger(tmp_path, drafted)
    assert told["routes"]["auto"]["unanswered"] == 0
    assert told["baseline_usd"] == pytest.approx((100 * 1 + 50 * 20) / 1e6)
