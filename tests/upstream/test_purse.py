"""What one request may still cost."""

from dataclasses import replace

from router.chat import Usage
from router.decide import Decision, Step
from router.plan import Deployment
from router.pricing import Price
from router.upstream.purse import Purse
from tests.plans import plan

PLAN = plan()
SMALL, BIG = PLAN.deployments["small"], PLAN.deployments["big"]  # 1 and 10 USD per million tokens, in and out
UNPRICED = replace(BIG, price=None)
EXPECTED = Usage(1_000, 1_000)


def purse(budget: float | None) -> Purse:
    return Purse(Decision((), "easy", budget=budget, expected=EXPECTED))


def steps(*deployments: Deployment) -> tuple[Step, ...]:
    return (Step(PLAN.tiers["frontier"], deployments),)


def test_without_a_budget_there_is_no_end_of_it() -> None:
    endless = purse(None)
    endless.pay(BIG, Usage(10**9, 10**9))

    assert endless.affords(BIG)


def test_what_was_paid_is_gone() -> None:
    one = purse(0.021)

    assert one.affords(BIG)
    one.pay(SMALL, Usage(1_000, 1_000))
    assert not one.affords(BIG)
    assert one.affords(SMALL)


def test_an_answer_that_does_not_say_what_it_took_cost_what_was_expected() -> None:
    one = purse(0.021)
    one.pay(SMALL, None)

    assert not one.affords(BIG)


def test_what_nobody_knows_the_price_of_can_be_paid() -> None:
    nothing = purse(0.0)
    nothing.pay(UNPRICED, EXPECTED)

    assert nothing.affords(UNPRICED)
    assert nothing.affords(replace(BIG, price=Price.of_host(2.4)))
    assert not nothing.affords(SMALL)


def test_a_prompt_makes_it_dearer_or_cheaper() -> None:
    one = purse(0.020)

    assert one.affords(BIG)
    assert not one.affords(BIG, added=1)
    assert purse(0.015).affords(BIG, added=-500)
    assert purse(0.010).affords(BIG, added=-5_000)


def test_any_deployment_will_do() -> None:
    one = purse(0.002)

    assert one.affords_any(steps(BIG, SMALL))
    assert not one.affords_any(steps(BIG))
    assert not one.affords_any(())
