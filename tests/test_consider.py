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


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("atuo", "did you mean 'auto'? "),
        ("Frontier", "did you mean 'frontier'? "),
        ("fronteir", "did you mean 'frontier'? "),
        ("small-b", "did you mean 'small'? "),
        ("gpt-4o", ""),
        ("auto" * 17, ""),
    ],
)
def test_a_name_nobody_knows_is_told_with_those_that_there_are(model: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        consider(plan(), asked(model=model))
    told = f"no route named '{model}'; this policy has 'auto'; {hint}GET /v1/models lists every name"
    assert caught.value.message == told


def test_a_policy_of_many_routes_names_the_one_that_was_meant() -> None:
    many = "".join(f"  ask-{each}: {{cascade: [{{tier: tuned}}]}}\n" for each in range(8))
    with pytest.raises(NotFound) as caught:
        consider(plan(TWO_TIERS + "\n" + many), asked(model="atuo"))
    assert caught.value.message == "no route named 'atuo'; did you mean 'auto'? GET /v1/models lists every name"


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
