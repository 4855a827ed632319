"""Frozen values: like frozen dataclasses to whoever reads them, and quicker to make."""

from dataclasses import fields, replace

from router.frozen import frozen


@frozen
class Point:
    """Where something is."""

    x: int
    y: int = 0


def test_equal_values_are_one_key() -> None:
    assert {Point(1, 2): "here"}[Point(x=1, y=2)] == "here"


def test_a_changed_value_is_another_one() -> None:
    before = Point(1)

    assert replace(before, y=5) == Point(1, 5)
    assert before == Point(1)


def test_there_is_no_room_for_what_was_not_declared() -> None:
    assert not hasattr(Point(1), "__dict__")
    assert [field.name for field in fields(Point)] == ["x", "y"]


def test_a_value_is_made_without_a_call_for_each_field() -> None:
    assert "__setattr__" not in Point.__init__.__code__.co_names
    assert "__setattr__" not in vars(Point)
