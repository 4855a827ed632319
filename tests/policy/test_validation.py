"""Pydantic's findings in our own sentences; the golden policies show most of them."""

import pytest
import yaml

from router.policy.shape import fields
from router.policy.source import spelled
from router.policy.validation import ALSO_KNOWN_AS, flow, validate


def said(tree: object) -> set[str]:
    _, complaints = validate(tree)
    return {f"{spelled(each.path)}: {each.message}; {each.suggestion}" for each in complaints}


def test_a_field_that_belongs_elsewhere_is_sent_there() -> None:
    assert "below: unknown field; it belongs to routes.NAME.cascade[].below" in said({"below": 0.3})
    assert "max_body: unknown field; it belongs to server.max_body" in said({"max_body": 1})


def test_a_field_as_others_call_it() -> None:
    assert "deployments.a.url: unknown field; did you mean 'base_url'?" in said({"deployments": {"a": {"url": "x"}}})


def test_every_other_name_leads_to_a_field() -> None:
    known = {pattern.rpartition(".")[2] for pattern in fields()}

    assert set(ALSO_KNOWN_AS.values()) <= known


def test_a_field_inside_what_has_no_fields() -> None:
    assert any(
        "tiers: must be a mapping of names to values; got a list" in each for each in said({"tiers": [{"x": 1}]})
    )


def test_a_whole_that_is_no_mapping() -> None:
    assert said(3) == {": must be a mapping of names to values; got 3; "}


@pytest.mark.parametrize(
    "value",
    [
        "x",
        "a: b",
        "true",
        "${X}",
        "it's",
        "",
        3,
        2.5,
        0.3,
        True,
        [1, "a"],
        {"a": {"b": [False, "x, y"]}},
        "(?i)\\ba\\b",
        "^x-",
    ],
)
def test_examples_are_yaml(value: object) -> None:
    assert yaml.safe_load(flow(value)) == value
