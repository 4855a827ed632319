"""What is decided before anybody is asked: the same for the same request, and told in words when it cannot be."""

import pytest

from router.consider import Caller, consider
from router.errors import BadRequest, NotFound
from tests.plans import TWO_TIERS, asked, plan

OTHER_ROUTE = (
    TWO_TIERS.replace("auto: {", "auto: {rules: [{name: t, when: {metadata: {task: t}}, route: other}], ")
    + """
  other: {difficulty: 0.9, cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}
"""
)


def test_considering_asks_nobody_and_always_says_the_same() -> None:
    policy = plan()
    first, second = consider(policy, asked()), consider(policy, asked())
    assert first == second
    assert (first.decision.start, first.decision.reason, first.decision.difficulty) == ("tuned", "easy", 0.2)


def test_a_name_nobody_knows_is_told_with_those_that_there_are() -> None:
    with pytest.raises(NotFound, match="no route named 'atuo'; this policy has 'auto'"):
        consider(plan(), asked(model="atuo"))


def test_a_tier_nobody_knows_cannot_be_forced() -> None:
    with pytest.raises(BadRequest, match="no tier named 'middle'; this policy has 'tuned' and 'frontier'"):
        consider(plan(), asked(), Caller(tier="middle"))


@pytest.mark.parametrize(
    ("caller", "start", "reason"),
    [
        (Caller(tier="frontier"), "frontier", "forced"),
        (Caller(threshold=0.1), "frontier", "hard"),
        (Caller(threshold=1.0), "tuned", "easy"),
        (Caller(budget=0.001), "tuned", "easy"),
    ],
)
def test_a_caller_may_move_the_start(caller: Caller, start: str, reason: str) -> None:
    decision = consider(plan(), asked(), caller).decision
    assert (decision.start, decision.reason) == (start, reason)


def test_a_rule_may_hand_a_request_to_another_route() -> None:
    considered = consider(plan(OTHER_ROUTE), asked(metadata={"task": "t"}))
    assert (considered.route.name, considered.decision.start) == ("other", "frontier")


def test_a_deployment_is_exactly_that_one_whatever_a_header_says() -> None:
    decision = consider(plan(), asked(model="small"), Caller(tier="frontier")).decision
    assert [step.deployments[0].name for step in decision.steps] == ["small"]
