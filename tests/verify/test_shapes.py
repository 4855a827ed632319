"""What of a schema can be held against a value that is being written."""

from typing import Any

import pytest

from router.verify.shapes import NEVER, Shape, shape_of


def shape(schema: Any) -> Shape:
    made = shape_of(schema)
    assert made is not None
    return made


@pytest.mark.parametrize(
    "schema",
    [
        True,
        "nonsense",
        {"$schema": "http://json-schema.org/draft-04/schema#", "const": 1},
        {"properties": {"a": {"$id": "elsewhere"}}},
        {"$ref": "#"},
        {"$ref": "http://127.0.0.1/x"},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "#/$defs/a%20b", "$defs": {"a b": {"type": "null"}}},
        {"$ref": "#/anyOf/7", "anyOf": [True]},
        {"$ref": "#/type/x", "type": "null"},
    ],
)
def test_what_is_not_understood_may_be_anything(schema: Any) -> None:
    assert shape_of(schema) is None


def test_nothing_fits_false() -> None:
    assert shape_of(False) is NEVER  # noqa: FBT003
    assert shape_of({"$ref": "#/$defs/no", "$defs": {"no": False}}) is NEVER


def test_references_and_lone_parts_are_followed() -> None:
    assert shape({"$ref": "#/anyOf/1", "anyOf": [{}, {"type": "null"}]}).kinds == frozenset({"null"})
    assert shape({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "null"}}}).kinds == frozenset({"null"})
    assert shape({"description": "it", "allOf": [{"type": "object"}, {"required": ["a"]}]}).kinds == frozenset(
        {"object"}
    )


def test_a_schema_may_contain_itself() -> None:
    tree = shape({"type": "object", "properties": {"left": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}})
    left = tree.names["left"]

    assert left is not None
    assert left.narrow("object") is tree
    assert left.narrow("string") is NEVER


def test_alternatives_that_lead_only_to_themselves_end_somewhere() -> None:
    circle = shape({"anyOf": [{"$ref": "#"}, {"$ref": "#"}]})

    assert circle.narrow("object") is None


def test_a_pattern_may_allow_what_properties_do_not() -> None:
    assert not shape({"additionalProperties": False, "patternProperties": {"^x": {}}}).closed
    assert shape({"additionalProperties": False}).closed
    assert shape({"items": {"type": "null"}, "prefixItems": [{}]}).items is None


def test_odd_schemas_are_read_as_far_as_they_go() -> None:
    odd = shape({"type": ["string", "null"], "enum": [1, "a"], "required": [3], "properties": [], "oneOf": []})

    assert odd.takes("a")
    assert not odd.takes(1)
    assert not odd.takes(None)
    assert odd.required == set()
