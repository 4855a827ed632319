"""How expectations are compared: every difference is found, and nothing else."""

from typing import Any

import pytest

from tests.matching import differences


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ([{"a": 1}, "x"], [{"a": 1, "b": 2}, "x"]),
        ({"a": {"absent": True}}, {"b": 1}),
        ({"regex": "^req_"}, "req_1"),
        ({"one_of": [200, 503]}, 503),
        ({"min": 1, "max": 2}, 1.5),
        ({"any": True}, None),
        ({"without": "secret"}, "public"),
        ({}, {"a": 1}),
        (None, None),
        (1, 1.0),
    ],
)
def test_what_was_expected(expected: Any, actual: Any) -> None:
    assert list(differences(expected, actual, "body")) == []


@pytest.mark.parametrize(
    ("expected", "actual", "told"),
    [
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "body.a.b: expected 1, got 2"),
        ({"a": 1}, {"b": 1, "c": 2}, "body.a: missing; there are b, c"),
        ({"a": 1}, [], "body: expected an object, got []"),
        ([1, 2], [1], "body: expected 2 items [1, 2], got [1]"),
        (True, 1, "body: expected True, got 1"),
        ({"a": {"absent": True}}, {"a": 7}, "body.a: should not be there, is 7"),
        ({"regex": "^req_"}, "id", "body: expected /^req_/, got 'id'"),
        ({"one_of": [200, 503]}, 404, "body: expected one of [200, 503], got 404"),
        ({"min": 1}, 0, "body: expected a number from 1 to inf, got 0"),
        ({"max": 1}, "0", "body: expected a number from -inf to 1, got '0'"),
        ({"without": "secret"}, "a secret", "body: should not hold 'secret': 'a secret'"),
    ],
)
def test_what_was_not(expected: Any, actual: Any, told: str) -> None:
    assert list(differences(expected, actual, "body")) == [told]


def test_every_difference_is_told_at_once() -> None:
    assert len(list(differences({"a": 1, "b": [1, 2], "c": {"d": 3}}, {"a": 2, "b": [2, 3], "c": {}}, "body"))) == 4
