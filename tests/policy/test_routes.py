"""What YAML may say about a route."""

import pytest
from pydantic import ValidationError

from router.policy.caching import Exact, RouteCache
from router.policy.routes import Range, Route, Rule, Rung, TextPattern, When


def test_a_route_is_little_more_than_its_cascade() -> None:
    route = Route(cascade=(Rung(tier="tuned", below=0.3), Rung(tier="frontier")))

    assert (route.difficulty, route.deadline, route.rules) == ("builtin", 600, ())
    assert route.cache == RouteCache(exact=Exact(ttl=3600, sampled=False, max_size=2**20))


def test_conditions_are_read_as_they_are_used() -> None:
    when = When.model_validate(
        {
            "pii": ["email"],
            "tools": ["refund"],
            "tokens": {"min": 10},
            "headers": {"X-Team": "billing", "x-job": {"regex": "^batch"}},
            "language": ["greek"],
        }
    )

    assert when.pii == ("email",)
    assert when.tools == ("refund",)
    assert when.tokens == Range(min=10)
    assert when.headers == {"x-team": "billing", "x-job": TextPattern(regex="^batch")}
    assert when.language == ("greek",)


@pytest.mark.parametrize("condition", ["pii", "language", "metadata", "headers", "key"])
def test_a_condition_that_lists_nothing_is_refused(condition: str) -> None:
    empty: object = [] if condition in {"pii", "language"} else {}

    with pytest.raises(ValidationError, match="at least 1"):
        When.model_validate({condition: empty, "images": True})


@pytest.mark.parametrize("bounds", [{}, {"min": 3, "max": 2}, {"min": -1}, {"max": 1.5}])
def test_a_range_that_holds_nothing_is_refused(bounds: dict[str, float]) -> None:
    with pytest.raises(ValidationError):
        Range.model_validate(bounds)


def test_a_rule_may_require_labels_and_start_somewhere() -> None:
    rule = Rule.model_validate({"name": "r", "when": {"images": True}, "require": {"a": "b"}, "start": "frontier"})

    assert (rule.require, rule.start, rule.route) == ({"a": "b"}, "frontier", None)
