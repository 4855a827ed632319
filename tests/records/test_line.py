"""A record holds what replay, savings and training need, in one line."""

import timeit
from collections.abc import Callable
from dataclasses import replace

import orjson

from router.chat import Usage
from router.log import line
from router.outcome import Aside, Evidence
from router.records.exporting import KINDS
from router.records.line import (
    Feedback,
    of_aside,
    of_embeddings,
    of_evidence,
    of_feedback,
    of_move,
    of_outcome,
    of_plan,
)
from tests.plans import TWO_TIERS, plan
from tests.records.made import NOON, outcome


def test_an_outcome_is_one_line_with_everything_that_happened() -> None:
    written = of_outcome(outcome(), ("tuned", "frontier"), 0.002)

    told = orjson.loads(written)
    assert (written.count(b"\n"), written[-1:]) == (1, b"\n")
    assert told["kind"] == "outcome"
    assert (told["start"], told["tier"], told["deployment"], told["reason"]) == ("tuned", "frontier", "big", "easy")
    assert (told["difficulty"], told["threshold"], told["band"], told["propensity"]) == (0.2, 0.3, 2, 1.0)
    assert told["difficulties"] == {"tuned": 0.2, "frontier": 0.0}
    assert told["p_good"] == {"tuned": 0.8, "frontier": 1.0}
    assert [(one["tier"], one["result"], one["verdict"]) for one in told["attempts"]] == [
        ("tuned", "escalated", "truncated"),
        ("frontier", "served", "ok"),
    ]
    assert told["attempts"][1]["usage"] == {"input": 100, "output": 50, "cached_input": 80, "reasoning": 0}
    assert (round(told["cost"], 6), told["baseline"]) == (0.00165, 0.002)
    assert told["signals"]["pii"] == []
    assert "content" not in told


def test_a_request_that_was_turned_away_has_the_same_fields() -> None:
    whole = orjson.loads(of_outcome(outcome(), ("tuned", "frontier")))
    bare = replace(outcome(), route=None, decision=None, attempts=(), estimate=None, signals=None, status=401)

    told = orjson.loads(of_outcome(bare))

    assert told.keys() == whole.keys()
    assert (told["start"], told["difficulty"], told["cost"], told["status"]) == (None, None, 0.0, 401)


def test_a_cost_that_nobody_knows_is_null_and_not_zero() -> None:
    attempts = tuple(replace(one, cost=None) for one in outcome().attempts)

    assert orjson.loads(of_outcome(outcome(attempts=attempts)))["cost"] is None


def test_later_facts_are_lines_too() -> None:
    feedback = of_feedback(Feedback("req_0", 0.5, "grader", "bob", "better"), now=NOON, correction=None)
    evidence = of_evidence(Evidence("req_0", "auto", "s1", 2, "tuned", 1.0, 1.0, source="shadow", weight=5.0), now=NOON)
    move = of_move({"route": "auto", "tier": "tuned", "to": 0.4}, now=NOON)

    told = orjson.loads(feedback)
    assert (told["kind"], told["source"], told["score"], told["reference"]) == ("feedback", "grader", 0.5, None)
    assert (told["corrected"], told["correction"]) == (True, None)
    aside = of_aside(
        Aside("req_0", "auto", "tuned", 2, "shadow", "frontier", "big", "answered", Usage(1, 2), 0.1), now=1
    )
    assert (orjson.loads(evidence)["weight"], orjson.loads(evidence)["passed"]) == (5.0, True)
    assert (orjson.loads(aside)["purpose"], orjson.loads(aside)["usage"]["output"]) == ("shadow", 2)
    assert orjson.loads(move) == {"kind": "move", "time": NOON, "route": "auto", "tier": "tuned", "to": 0.4}


def test_embeddings_are_a_kind_of_their_own_with_the_same_fields_whatever_happened() -> None:
    told = orjson.loads(of_embeddings(outcome()))
    bare = orjson.loads(of_embeddings(replace(outcome(), route=None, decision=None, attempts=(), status=401)))
    assert (told["kind"], told.keys()) == ("embeddings", bare.keys())
    assert (bare["tier"], bare["cost"], bare["status"]) == (None, 0.0, 401)
    assert set(told) == KINDS["embeddings"].keys()


def test_a_plan_says_what_its_hosts_cost_by_the_hour() -> None:
    hosted = TWO_TIERS.replace("price: {input: 1, output: 1}", "price: {per_hour: 2.4}")

    assert orjson.loads(of_plan(plan(hosted), now=NOON))["per_hour"] == {"small": 2.4}


def test_making_a_line_costs_the_event_loop_about_what_the_access_log_does() -> None:
    done = outcome()

    def seconds(make: Callable[[], bytes]) -> float:
        return min(timeit.repeat(make, number=100, repeat=40))

    record, log = seconds(lambda: of_outcome(done, ("tuned", "frontier"), 0.002)), seconds(lambda: line(done))

    assert record < 4 * log  # measured: 1.2 times, and 7 µs on a quiet machine; who measures it with coverage pays more
