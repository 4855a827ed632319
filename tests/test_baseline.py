"""What the last tier alone would have cost, with every doubt decided against the saving."""

from dataclasses import replace
from typing import Any

import pytest

from router.baseline import ENOUGH, Baselines, Habits, Seen, estimated, price_of
from router.chat import Usage
from router.outcome import Attempt, Outcome
from router.plan import Plan
from router.pricing import Price
from tests.plans import TWO_TIERS, plan
from tests.records.made import outcome

CACHED = TWO_TIERS.replace("price: {input: 10, output: 10}", "price: {input: 10, output: 20, cached_input: 1}")
PLAN = plan(CACHED)
TOKENS = outcome().signals.tokens  # type: ignore[union-attr]


USED = Usage(100, 50)


def answered(tier: str, usage: Usage | None = USED, cost: float | None = 0.5, **changes: Any) -> Outcome:
    attempt = Attempt(tier, {"tuned": "small", "frontier": "big"}[tier], "served", "ok", usage, cost)
    return outcome(attempts=(attempt,), **changes)


def serving(plan: Plan = PLAN) -> Baselines:
    return Baselines().serve(plan)


def test_what_the_last_tier_answered_is_what_it_cost() -> None:
    assert serving().of(answered("frontier")) == 0.5


def test_an_escalated_request_would_have_cost_the_last_answer_alone() -> None:
    assert serving().of(outcome()) == 0.0015


def test_until_the_last_tier_is_known_all_input_counts_at_the_least_it_could_have_cost() -> None:
    assert serving().of(answered("tuned")) == pytest.approx((TOKENS * 1 + 50 * 20) / 1e6)


def test_then_its_tokens_and_its_warm_cache_count() -> None:
    baselines = serving()
    for number in range(ENOUGH):
        baselines.of(answered("frontier", Usage(3 * TOKENS, 50, 2 * TOKENS if number % 2 else 0)))

    per_token = (2 / 3) * 1 + (1 / 3) * 10
    assert baselines.of(answered("tuned")) == pytest.approx((3 * TOKENS * per_token + 50 * 20) / 1e6)


def test_a_last_tier_that_never_read_from_a_cache_has_none() -> None:
    seen = Seen()
    for _ in range(ENOUGH):
        seen.add(Usage(10, 5), 10)

    assert seen.habits(1.5) == Habits(1.0, 0.0, 1.5)


def test_longer_answers_cost_more() -> None:
    assert estimated(Price(10, 20), 0, 50, Habits(output=2.0)) == pytest.approx(0.002)


def test_what_was_learned_of_another_model_is_forgotten() -> None:
    baselines = serving()
    for _ in range(ENOUGH):
        baselines.of(answered("frontier", Usage(9 * TOKENS, 50)))
    baselines.serve(plan(CACHED.replace("model: b,", "model: b2,")))

    assert baselines.of(answered("tuned")) == pytest.approx((TOKENS * 1 + 50 * 20) / 1e6)


@pytest.mark.parametrize(
    "unknown",
    [
        answered("tuned", None),
        answered("frontier", cost=None),
        answered("tuned", end="left"),
        answered("tuned", route="nowhere"),
        answered("tuned", route="tuned"),
        outcome(attempts=()),
        outcome(attempts=(Attempt("tuned", "small", "failed", "reset"),), end="error"),
        answered("tuned", signals=None),
    ],
)
def test_what_nobody_knows_or_chose_has_no_baseline(unknown: Outcome) -> None:
    assert serving().of(unknown) is None


def test_an_unknown_price_is_no_saving() -> None:
    free = plan(TWO_TIERS.replace("price: {input: 10, output: 10}", "labels: {}"))

    assert price_of(free.tiers["frontier"]) is None
    assert serving(free).of(answered("tuned")) is None
    assert Baselines().of(answered("tuned")) is None


def test_a_route_of_one_tier_saves_nothing() -> None:
    one = plan(
        TWO_TIERS.replace("cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]", "cascade: [{tier: frontier}]")
    )

    assert serving(one).of(replace(answered("frontier"))) is None
