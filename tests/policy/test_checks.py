"""Checks as a policy spells them; what is wrong with them is in tests/policies/check-*.yaml."""

import pytest
from pydantic import ValidationError

from router.policy import json_schema
from router.policy.checks import Check, Length, Plain
from router.policy.schema import Tier


def checks(*items: object) -> list[tuple[str, object]]:
    return [check.said for check in Tier.model_validate({"deployments": ["a"], "checks": list(items)}).checks]


def test_a_check_is_its_name_or_its_name_with_parameters() -> None:
    assert checks("refusal", {"refusal": None}, {"length": {"min": 3}}) == [
        ("refusal", Plain()),
        ("refusal", Plain()),
        ("length", Length(min=3)),
    ]


def test_none_is_given_without_being_asked_for_but_one() -> None:
    assert [check.said[0] for check in Tier(deployments=("a",)).checks] == ["complete"]
    assert checks() == []


def test_a_check_that_was_read_is_read_again() -> None:
    assert checks(Check(refusal=Plain())) == [("refusal", Plain())]


@pytest.mark.parametrize("item", [None, [], {}, {"length": {}, "regex": {}}, {3: 4}, "zebra", {"length": 3}])
def test_anything_else_is_refused(item: object) -> None:
    with pytest.raises(ValidationError):
        checks(item)


def test_editors_complete_names_and_parameters() -> None:
    schema = str(json_schema())

    assert "'enum': ['complete', 'refusal'" in schema
    assert "'$ref': '#/$defs/Length'" in schema
