"""Schemas of strangers: validated as the standard says, at a cost that they cannot choose."""

from typing import Any

import pytest

from router.clock import SYSTEM
from router.verify.schemas import ANYTHING, ready


def chain(length: int, width: int) -> dict[str, Any]:
    """A schema of `length` parts, each of which refers to the next one `width` times."""
    parts: dict[str, Any] = {str(i): {"allOf": [{"$ref": f"#/$defs/{i + 1}"}] * width} for i in range(length)}
    return {"$ref": "#/$defs/0", "$defs": parts | {str(length): {"type": "integer"}}}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer", "minimum": 1}, 1.0, 0),
        ({"type": "string", "format": "date"}, "2026-11-22", "tomorrow"),
        ({"type": "string", "pattern": "^a(?!b)"}, "ac", "ab"),
        ({"oneOf": [{"minimum": 1}, {"maximum": 3}]}, 0, 2),
        ({"unevaluatedProperties": False, "allOf": [{"properties": {"a": {}}}]}, {"a": 1}, {"b": 1}),
        ({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "null"}]}, [None], [1]),
        (chain(20, 1), 1, "x"),
    ],
)
def test_a_value_fits_or_does_not(schema: Any, good: object, bad: object) -> None:
    assert ready(schema).accepts(good)
    assert not ready(schema).accepts(bad)


@pytest.mark.parametrize(
    "schema",
    [
        3,
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:9/x"},
        {"$ref": "file:///etc/hostname"},
        {"$schema": "http://127.0.0.1:9/x"},
        {"pattern": "("},
        chain(40, 2),
        chain(3, 40_000),
    ],
)
def test_what_is_no_schema_or_too_much_of_one_is_the_upstreams_to_judge(schema: Any) -> None:
    assert ready(schema) is ANYTHING
    assert ready(schema).accepts("whatever")


def test_a_schema_nested_beyond_reason_is_not_even_written_down() -> None:
    schema: dict[str, Any] = {}
    for _ in range(400):
        schema = {"not": schema}

    assert ready(schema) is ANYTHING


def test_equal_schemas_are_made_ready_once() -> None:
    assert ready({"type": "null"}) is ready({"type": "null"})
    assert ready({"enum": ["x" * 40_000]}) is not ready({"enum": ["x" * 40_000]})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"pattern": "^(a+)+$"}, "a" * 60 + "b"),
        ({"pattern": "^(?=a)(a+)+$"}, "a" * 60 + "b"),
        ({"$ref": "#"}, 1),
        ({"$ref": ""}, 1),
        ({"$defs": {"n": {"anyOf": [{"items": {"$ref": "#/$defs/n"}, "minItems": 0}] * 2}}, "$ref": "#/$defs/n"}, 60),
    ],
)
def test_no_schema_holds_us_up(schema: Any, value: Any) -> None:
    if isinstance(value, int) and value > 1:
        depth, value = value, "x"
        for _ in range(depth):
            value = [value]
    before = SYSTEM.now()

    ready(schema).accepts(value)

    assert SYSTEM.now() - before < 1.0
