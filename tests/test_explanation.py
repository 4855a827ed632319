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
    }
    orjson.dumps(told)
