"""Why a request would be answered by whom, as plain values."""

from typing import Any

import orjson

from router.consider import consider
from router.explanation import explanation
from tests.plans import TWO_TIERS, asked, plan


def test_a_decision_says_everything_that_led_to_it() -> None:
    rule = 'auto: {rules: [{name: eu, when: {images: false}, require: {eu: "yes"}}], '
    told: dict[str, Any] = explanation(consider(plan(TWO_TIERS.replace("auto: {", rule)), asked()))
    assert told.pop("signals")["turns"] == 1
    assert told == {
        "route": "auto",
        "start": "tuned",
        "reason": "easy",
        "tiers": [{"tier": "tuned", "deployments": ["small"]}],
        "difficulty": 0.2,
        "threshold": 0.3,
        "band": 2,
        "propensity": 1.0,
        "novelty": None,
        "scope": None,
        "p_good": {"tuned": 0.8, "frontier": 1.0},
        "require": {"eu": "yes"},
        "rule": None,
        "via": [],
    }
    orjson.dumps(told)


def test_it_names_every_rule_that_handed_the_request_to_another_route() -> None:
    to = "auto: {rules: [{name: t, when: {metadata: {task: t}}, route: other}], "
    on = """
  other:
    {difficulty: 0.2, rules: [{name: deep, when: {metadata: {task: t}}, route: third}],
     cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}
  third:
    {difficulty: 0.2, rules: [{name: high, when: {metadata: {task: t}}, start: frontier}],
     cascade: [{tier: tuned, below: 0.3}, {tier: frontier}]}
"""
    told = explanation(consider(plan(TWO_TIERS.replace("auto: {", to) + on), asked(metadata={"task": "t"})))

    assert told["via"] == [{"route": "auto", "rule": "t"}, {"route": "other", "rule": "deep"}]
    assert (told["route"], told["rule"], told["reason"]) == ("third", "high", "rule:high")
