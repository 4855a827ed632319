"""A field is what it has to be, or its place and what it should be are told."""

from typing import Any

import pytest

from router.dialects.messages_reading import missing, named, optional, refused, required, wrong
from router.errors import BadRequest


def test_a_field_that_is_there() -> None:
    assert required({"a": "x"}, "a", str) == "x"
    assert optional({"a": [1]}, "a", list) == [1]
    assert optional({"a": False}, "a", bool) is False


@pytest.mark.parametrize("of", [{}, {"a": None}])
def test_a_field_that_is_absent_or_null(of: dict[str, Any]) -> None:
    assert optional(of, "a", int) is None
    with pytest.raises(BadRequest) as caught:
        required(of, "a", int, "messages.0")
    assert (caught.value.param, caught.value.code) == ("messages.0.a", "missing_required_parameter")
    assert caught.value.message == "messages.0.a: field required."


@pytest.mark.parametrize(
    ("value", "kind", "told"),
    [
        (1, str, "a: expected a string, not an integer."),
        (True, int, "a: expected an integer, not a boolean."),
        (1.5, int, "a: expected an integer, not a number."),
        ([], dict, "a: expected an object, not an array."),
        ({}, list, "a: expected an array, not an object."),
        ("yes", bool, "a: expected a boolean, not a string."),
    ],
)
def test_a_field_of_another_kind(value: object, kind: Any, told: str) -> None:
    with pytest.raises(BadRequest) as caught:
        optional({"a": value}, "a", kind)
    assert (caught.value.message, caught.value.code) == (told, "invalid_type")


def test_places_are_told_as_anthropic_tells_them() -> None:
    assert named(named("messages", 3), "role") == "messages.3.role"
    assert named("", "model") == "model"


def test_what_is_said_names_its_place() -> None:
    faults = [missing("a"), wrong("a", "a string", None), refused("a", "not here; leave it out")]
    assert [fault.param for fault in faults] == ["a", "a", "a"]
    assert faults[2].message == "a: not here; leave it out."
    assert faults[2].code == "unsupported_parameter"
